"""Going back to an earlier list: by an operator, and by the leader itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.leader.decide import Leader
from sidecar.domain.node.view import Known
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member, OutcomeKind, RequestKind
from sidecar.domain.records.policy import OnFailure, Policy, RolloutPolicy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Grant, Quarantine
from sidecar.domain.servers import NodeID
from tests.build import KEYS, TERM, THREE, ask, canonical, network, report, server, servers
from tests.domain.leading import LEADER, NOW, settled

FED_2 = NodeID("fed-2")
ROLLBACK = Policy(rollout=RolloutPolicy(on_failure=OnFailure.ROLLBACK))


def standing(count: int, version: int = 2) -> dict[str, Record]:
    """``count`` servers in step; version 1 was a list of three."""
    ports = range(9000, 9000 + count)
    records: dict[str, Record] = {KEYS.canonical: canonical(*ports, version=version)}
    records[KEYS.healthy] = canonical(9000, 9001, 9002)
    for who in map(server, range(1, count + 1)):
        records[KEYS.report(who.node_id)] = report(who, loaded=version)
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")
    return records


def leading(count: int) -> Leader:
    return replace(LEADER, trusted=Known(1, servers(*range(9000, 9000 + count))))


def failed() -> dict[str, Record]:
    died = report(server(2), Phase.CRASHED, loaded=2, healthy=False)
    return {KEYS.grant(FED_2): Grant(2, TERM.created, NOW - 10), KEYS.report(FED_2): died}


@pytest.mark.parametrize("count", [4, 43, 300])
def test_a_rollback_takes_as_many_versions_as_etcd_needs(count: int) -> None:
    wish = replace(ask(RequestKind.ROLLBACK, "1"), servers=THREE.urls)
    end = settled(network({**standing(count), KEYS.request("a"): wish}), leading(count))
    assert end.canonical
    assert end.canonical.servers == THREE
    assert len(end.removed) == len(end.canonical.removed) == count - 3
    outcome = end.requests["a"].outcome
    assert outcome
    assert (outcome.kind, outcome.version) == (OutcomeKind.DONE, end.canonical.version)


def test_a_rollback_lets_in_again_whom_it_brings_back() -> None:
    there = replace(ask(RequestKind.ROLLBACK, "1"), servers=THREE.urls)
    back = replace(there, subject="2", servers=servers(*range(9000, 9050)).urls)
    gone = settled(network({**standing(50), KEYS.request("a"): there}), leading(50))
    assert gone.canonical
    records: dict[str, Record] = {KEYS.canonical: gone.canonical, KEYS.request("b"): back}
    records |= {KEYS.removed(each.name): each for each in gone.removed}
    end = settled(network(records))
    assert end.canonical
    assert end.canonical.servers == servers(*range(9000, 9050))
    assert (end.removed, end.canonical.removed) == ((), ())


@pytest.mark.parametrize("count", [4, 100])
def test_the_leader_rolls_back_by_itself_and_quarantines_the_list(count: int) -> None:
    start = {**standing(count), **failed(), KEYS.policy: ROLLBACK}
    end = settled(network(start), leading(count))
    assert end.canonical
    assert end.canonical.servers == THREE
    assert [each.version for each in end.quarantined] == [2]
    assert "fed-2 died" in end.canonical.cause[0].reason


def test_a_list_that_proves_good_is_in_quarantine_no_more() -> None:
    bad = Quarantine(1, servers(9000, 9001, 9002, 9003), "fed-2 died", "")
    assert settled(network({**standing(4), KEYS.quarantine(1): bad}), leading(4)).quarantined == ()
