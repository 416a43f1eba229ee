"""Rollback to an earlier list, by an operator or by the leader itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.network.context import Leader
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import OnFailure, Policy, RolloutPolicy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import OutcomeKind, RequestKind
from sidecar.domain.records.rollout import Grant, Quarantine
from sidecar.domain.servers import NodeID
from tests.builders import KEYS, TERM, THREE, canonical, network, operator_request, report, server, servers
from tests.domain.leader_kit import LEADER, NOW, run_leader

FED_2 = NodeID("fed-2")
ROLLBACK = Policy(rollout=RolloutPolicy(on_failure=OnFailure.ROLLBACK))


def converged_records(count: int, version: int = 2) -> dict[str, Record]:
    """``count`` servers in step; version 1 was a list of three."""
    ports = range(9000, 9000 + count)
    records: dict[str, Record] = {KEYS.canonical: canonical(*ports, version=version)}
    records[KEYS.last_healthy] = canonical(9000, 9001, 9002)
    for who in map(server, range(1, count + 1)):
        records[KEYS.report(who.node_id)] = report(who, loaded=version)
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")
    return records


def leading(count: int) -> Leader:
    return replace(LEADER, last_known_good=VersionedServers(1, servers(*range(9000, 9000 + count))))


def failed() -> dict[str, Record]:
    died = report(server(2), Phase.CRASHED, loaded=2, healthy=False)
    return {KEYS.grant(FED_2): Grant(2, TERM.create_revision, NOW - 10), KEYS.report(FED_2): died}


@pytest.mark.parametrize("count", [4, 43, 300])
def test_a_large_rollback_takes_several_versions(count: int) -> None:
    request = replace(operator_request(RequestKind.ROLLBACK, "1"), servers=THREE.urls)
    end = run_leader(network({**converged_records(count), KEYS.request("a"): request}), leading(count))
    assert end.canonical
    assert end.canonical.servers == THREE
    assert len(end.membership.tombstones) == len(end.canonical.removed) == count - 3
    outcome = end.requests["a"].outcome
    assert outcome
    assert (outcome.kind, outcome.version) == (OutcomeKind.DONE, end.canonical.version)


def test_a_rollback_readmits_the_servers_it_restores() -> None:
    there = replace(operator_request(RequestKind.ROLLBACK, "1"), servers=THREE.urls)
    back = replace(there, subject="2", servers=servers(*range(9000, 9050)).urls)
    gone = run_leader(network({**converged_records(50), KEYS.request("a"): there}), leading(50))
    assert gone.canonical
    records: dict[str, Record] = {KEYS.canonical: gone.canonical, KEYS.request("b"): back}
    records |= {KEYS.tombstone(each.name): each for each in gone.membership.tombstones}
    end = run_leader(network(records))
    assert end.canonical
    assert end.canonical.servers == servers(*range(9000, 9050))
    assert (end.membership.tombstones, end.canonical.removed) == ((), ())


@pytest.mark.parametrize("count", [4, 100])
def test_the_leader_rolls_back_and_quarantines_a_failed_list(count: int) -> None:
    start = {**converged_records(count), **failed(), KEYS.policy: ROLLBACK}
    end = run_leader(network(start), leading(count))
    assert end.canonical
    assert end.canonical.servers == THREE
    assert [each.version for each in end.rollout.quarantines] == [2]
    assert "fed-2 died" in end.canonical.cause[0].reason


def test_a_list_that_proves_healthy_leaves_quarantine() -> None:
    bad = Quarantine(1, servers(9000, 9001, 9002, 9003), "fed-2 died", "")
    assert (
        run_leader(network({**converged_records(4), KEYS.quarantine(1): bad}), leading(4)).rollout.quarantines
        == ()
    )
