"""`pending`: the servers that ask to join, and what each waits for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Verdict, VerdictKind
from sidecar.domain.records.policy import Admission, AdmissionProbe, Policy
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.servers import NodeID, ServerUrl
from tests.cli.network import KEYS, ONE, USUAL, Shell

FOUR, FIVE = (ServerUrl.parse(f"http://localhost:900{n}") for n in (4, 5))
WISH = Request(RequestKind.JOIN, "fed-4", "fed-4", 100.0, "try-1", url=FOUR, servers=(ONE, FOUR))
TOLD = {KEYS.verdict(NodeID("fed-4")): Verdict(VerdictKind.PENDING, "waits", "", "try-1")}
MANUAL = Policy(Admission.MANUAL)


def asking(policy: Policy, **more: Record) -> dict[str, Record]:
    return USUAL | {KEYS.policy: policy, KEYS.request("1"): WISH} | more


def only(records: dict[str, Record]) -> Any:
    found = Shell(records).json("pending")
    assert isinstance(found, list)
    assert len(found) == 1
    return found[0]


def test_a_newcomer_waits_for_approval() -> None:
    assert only(asking(MANUAL)) == {
        "node_id": "fed-4",
        "url": "http://localhost:9004",
        "since": 100.0,
        "waiting_for": "approval",
        "reason": "an operator must approve it",
        "FederatedServers": ["http://localhost:9000", "http://localhost:9004"],
    }


def test_people_see_the_next_command() -> None:
    code, out, _ = Shell(asking(MANUAL))("pending")

    assert code == 0
    assert re.search(
        r"^fed-4 +http://localhost:9004 +\d+d +approval +an operator must approve it$", out, re.MULTILINE
    )
    assert "\nadmission is manual\n" in out
    assert "next: `sidecar approve fed-4` or `sidecar refuse fed-4`" in out


@pytest.mark.parametrize("admission", [Admission.OPEN, Admission.MANUAL])
def test_a_newcomer_waits_for_the_probe_of_its_url(admission: Admission) -> None:
    found = only(asking(Policy(admission, AdmissionProbe.ANSWERS)))

    assert found["waiting_for"] == "probe"
    assert "sidecar approve" not in Shell(asking(Policy(admission, AdmissionProbe.ANSWERS)))("pending")[1]


def test_a_probed_newcomer_waits_for_approval() -> None:
    found = only(asking(Policy(Admission.MANUAL, AdmissionProbe.ANSWERS)) | TOLD)

    assert found["waiting_for"] == "approval"


def test_a_verdict_on_an_earlier_attempt_is_ignored() -> None:
    earlier = {KEYS.verdict(NodeID("fed-4")): Verdict(VerdictKind.PENDING, "waits", "", "try-0")}

    found = only(asking(Policy(Admission.MANUAL, AdmissionProbe.ANSWERS)) | earlier)

    assert found["waiting_for"] == "probe"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (Policy(), "fed-2 (the leader) will admit it shortly"),
        (
            Policy(Admission.CLOSED),
            "fed-2 (the leader) will refuse it shortly: the network admits no server",
        ),
        (
            Policy(Admission.TOKEN),
            "fed-2 (the leader) will refuse it shortly: the network admits no server without a join token",
        ),
    ],
)
def test_the_coming_decision_of_the_leader_is_shown(policy: Policy, reason: str) -> None:
    found = only(asking(policy))

    assert found["waiting_for"] == "leader"
    assert found["reason"].startswith(reason)


def test_without_a_leader_a_newcomer_waits_for_one() -> None:
    records = {key: record for key, record in asking(MANUAL).items() if "/leader/" not in key}

    found = only(records)

    assert (found["waiting_for"], found["reason"]) == ("leader", "there is no leader")


def test_the_oldest_join_comes_first_and_other_requests_are_left_out() -> None:
    later = Request(RequestKind.JOIN, "fed-5", "fed-5", 90.0, "1", url=FIVE, servers=(ONE, FIVE))
    other = Request(RequestKind.REMOVE, "fed-1", "ann", 95.0, "1")
    records = asking(MANUAL) | {KEYS.request("0"): later, KEYS.request("2"): other}

    found = Shell(records).json("pending")

    assert isinstance(found, list)
    assert [each["node_id"] for each in found] == ["fed-4", "fed-5"]
