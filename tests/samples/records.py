"""The records of etcd, one of each type, with no field at its default."""

from __future__ import annotations

from functools import partial

from sidecar.domain.identity import Role
from sidecar.domain.records.canonical import Canonical, Change, ChangeKind
from sidecar.domain.records.encoding import Record, decode, encode
from sidecar.domain.records.membership import Candidate, Member, Tombstone, Verdict, VerdictKind
from sidecar.domain.records.policy import (
    Admission,
    AdmissionProbe,
    Budget,
    Limit,
    OnFailure,
    Policy,
    RolloutPolicy,
)
from sidecar.domain.records.report import NodeLocation, Phase, Report
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.records.rollout import BlockKind, Exemption, Grant, Quarantine, RolloutBlock
from sidecar.domain.records.tokens import TokenRecord
from sidecar.domain.servers import NodeID, ServerList, ServerUrl
from tests.samples.sample import Sample, name_of

AT = "2026-05-04T10:00:00Z"
SECONDS = 1_777_888_800.5
FED_1, FED_2 = NodeID("fed-1"), NodeID("fed-2")
ONE, TWO, THREE = (ServerUrl.parse(f"http://localhost:900{number}") for number in range(3))
BOTH = ServerList((ONE, TWO))

RECORDS: tuple[Record, ...] = (
    Canonical(
        servers=BOTH,
        version=7,
        cause=(Change(ChangeKind.REMOVE, NodeID("fed-3"), THREE, by="ann@laptop", reason="its disk"),),
        author=FED_1,
        term=42,
        at=AT,
        removed=(THREE,),
    ),
    Policy(
        admission=Admission.MANUAL,
        admission_probe=AdmissionProbe.IDENTITY,
        history=50,
        rollout=RolloutPolicy(
            max_unavailable=Limit(25, percent=True),
            min_ready=10.0,
            timeout=300.0,
            canary=FED_2,
            on_failure=OnFailure.ROLLBACK,
            budget=Budget(restarts=5, within=900.0),
        ),
    ),
    Report(
        node_id=FED_1,
        role=Role.FEDERATED,
        url=ONE,
        phase=Phase.RUNNING,
        reason="in step with version 7",
        since=SECONDS,
        healthy=True,
        loaded_version=7,
        written_version=7,
        instance="5f0c3a9e",
        host="app-1.example.org",
        pid=4711,
        sidecar="0.1.0",
        failed_starts=1,
        file="/srv/fed-1/federated.json",
        recoveries=2,
    ),
    NodeLocation(FED_1, ONE, "app-2.example.org", "/srv/fed-1/federated.json"),
    Request(
        kind=RequestKind.ROLLBACK,
        subject="5",
        by="ann@laptop",
        at=SECONDS,
        attempt="try-1",
        reason="it failed",
        url=ONE,
        servers=(ONE, TWO),
        token="0123456789ab",
        proof="ab" * 32,
        outcome=Outcome(OutcomeKind.DONE, "rolled back", 8, SECONDS + 1),
    ),
    Member(FED_1, Role.FEDERATED, ONE, AT, restart_times=(SECONDS, SECONDS + 60)),
    Candidate(FED_1, ONE, AT, "5f0c3a9e"),
    Verdict(VerdictKind.REFUSED, "a stranger", AT, attempt="try-1", by="ann@laptop", holder=FED_2),
    Tombstone(NodeID("fed-3"), THREE, Role.FEDERATED, AT, "ann@laptop", "its disk"),
    Grant(
        version=7,
        term=42,
        granted_at=SECONDS,
        healthy_since=SECONDS + 5,
        health_epoch="5f0c3a9e/2",
        already_unavailable=True,
        failed="not healthy in time",
        ignore_failure_at=SECONDS - 60,
        ignore_failed_starts=1,
    ),
    Exemption(version=7, at=AT, by="ann@laptop", reason="a backup runs"),
    RolloutBlock(BlockKind.PAUSED, 7, "until tomorrow", AT, by="ann@laptop"),
    Quarantine(6, BOTH, "fed-2 did not become healthy", AT),
    TokenRecord("cd" * 32, "ann@laptop", AT, expires=SECONDS, uses_left=3),
)


def record_samples() -> list[Sample]:
    """A sample of each type of record."""
    return [
        Sample(
            name=name_of(type(record)),
            formats=type(record).FORMATS,
            declared_in=f"{type(record).__name__}.FORMATS",
            value=record,
            write=partial(encode, record),
            read=partial(decode, type(record), source=f"the sample of {type(record).__name__}"),
        )
        for record in RECORDS
    ]
