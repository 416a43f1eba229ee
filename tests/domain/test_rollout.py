"""Whose turn it is, what ends one, and what holds a rollout up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sidecar.domain.identity import Identity
from sidecar.domain.leader.decide import decide, look_again
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member, RequestKind
from sidecar.domain.records.policy import Budget, Limit, OnFailure, Policy, RolloutPolicy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Exemption, Grant, Halt, Standstill
from sidecar.domain.servers import NodeID
from tests.build import DATABASE, KEYS, ask, canonical, network, report, server, servers
from tests.domain.leading import LEADER, NOW, settled

OLD, NEW = canonical(9000, 9001, 9002, version=1), canonical(9000, 9001, 9002, 9003, version=2)
FOUR = tuple(server(number) for number in (1, 2, 3, 4))
TWO = NodeID("fed-2")
LEFT_OUT = Exemption(2, "2026-01-01T00:00:00Z", "me")


def rolling(
    *done: int, policy: RolloutPolicy | None = None, nodes: tuple[Identity, ...] = FOUR
) -> dict[str, Record]:
    """Everybody waits to restart into version 2, but for the servers of those numbers, who are ``done``."""
    records: dict[str, Record] = {KEYS.canonical: NEW, KEYS.healthy: OLD}
    if policy:
        records[KEYS.policy] = Policy(rollout=policy)
    for who in nodes:
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")
        records[KEYS.report(who.node_id)] = report(who, Phase.RESTART_PENDING)
    for number in done:
        records[KEYS.report(server(number).node_id)] = report(server(number), loaded=2)
    return records


def granted(records: dict[str, Record]) -> set[str]:
    return set(settled(network(records)).grants)


def halted(end: Network) -> str:
    return end.standstill.reason if end.standstill and end.standstill.kind is Halt.HALTED else ""


def down(number: int, phase: Phase = Phase.CRASHED, loaded: int = 2) -> Record:
    return report(server(number), phase, loaded=loaded, healthy=False)


@pytest.mark.parametrize(("limit", "expected"), [("25%", 1), ("50%", 2), ("99%", 3), (2, 2), (9, 3)])
def test_a_limit_is_a_number_or_a_percentage_of_the_role(limit: int | str, expected: int) -> None:
    policy = RolloutPolicy(max_unavailable=Limit.parse(limit))
    assert len(granted(rolling(4, policy=policy))) == expected


def test_the_canary_goes_first_and_alone() -> None:
    policy = RolloutPolicy(max_unavailable=Limit(3), canary=NodeID("fed-3"))
    assert granted(rolling(policy=policy)) == {"fed-3"}
    assert granted(rolling(3, policy=policy)) == {"fed-1", "fed-2", "fed-4"}


def test_a_database_node_may_be_the_canary() -> None:
    assert granted(rolling(policy=RolloutPolicy(canary=NodeID("db-1")), nodes=(*FOUR, DATABASE))) == {"db-1"}


def test_database_nodes_follow_when_no_server_is_under_way() -> None:
    assert granted(rolling(1, 2, 4, nodes=(*FOUR, DATABASE))) == {"fed-3"}
    assert granted(rolling(1, 2, 3, 4, nodes=(*FOUR, DATABASE))) == {"db-1"}


def test_the_leaders_own_server_goes_last() -> None:
    assert granted(rolling(2, 3)) == {"fed-4"}
    assert granted(rolling(2, 3, 4)) == {"fed-1"}


def test_a_node_keeps_its_turn_until_it_was_healthy_long_enough() -> None:
    records = rolling(2, policy=RolloutPolicy(min_ready=10.0)) | {
        KEYS.grant(TWO): Grant(2, 5, NOW - 5, NOW - 4, healthy_as=report(server(2)).spell)
    }
    assert granted(records) == {"fed-2"}
    assert look_again(network(records), LEADER, NOW) == NOW + 6
    long_enough = Grant(2, 5, NOW - 20, NOW - 10, healthy_as=report(server(2)).spell)
    assert granted(records | {KEYS.grant(TWO): long_enough}) == {"fed-3"}
    # It was not healthy in between, while nobody led.
    again = records | {KEYS.grant(TWO): replace(long_enough, healthy_as="another/1")}
    assert granted(again) == {"fed-2"}
    assert look_again(network(again), LEADER, NOW) == NOW + 10


def test_one_that_is_back_and_settles_waits_as_everybody_for_a_newer_list() -> None:
    records = rolling(policy=RolloutPolicy(min_ready=10.0)) | {
        KEYS.canonical: replace(NEW, version=3),
        KEYS.report(TWO): report(server(2), Phase.RESTART_PENDING, loaded=2),
        KEYS.grant(TWO): Grant(2, 5, NOW - 5, NOW - 4, free=True),
    }
    assert settled(network(records)).grants[TWO].version == 2


def test_a_node_that_is_not_back_in_time_halts_the_rollout_and_everybody_is_told() -> None:
    records = rolling(policy=RolloutPolicy(timeout=60.0)) | {KEYS.report(TWO): down(2, Phase.STARTING)}
    on_its_way = records | {KEYS.grant(TWO): Grant(2, 5, NOW - 59)}
    assert look_again(network(on_its_way), LEADER, NOW) == NOW + 1
    assert not halted(settled(network(on_its_way)))
    end = settled(network(records | {KEYS.grant(TWO): Grant(2, 5, NOW - 60)}))
    assert "fed-2 is not healthy on version 2 within 60 s" in halted(end)
    assert set(end.grants) == {"fed-2"}


@pytest.mark.parametrize("phase", [Phase.CRASHED, Phase.RESTART_FAILED])
def test_a_node_that_dies_in_its_turn_halts_the_rollout_until_it_is_back(phase: Phase) -> None:
    records = rolling() | {KEYS.grant(TWO): Grant(2, 5, NOW), KEYS.report(TWO): down(2, phase)}
    end = settled(network(records))
    assert "fed-2" in halted(end)
    assert end.grants[TWO].failed
    told: dict[str, Record] = {
        KEYS.grant(TWO): end.grants[TWO],
        KEYS.standstill: Standstill(Halt.HALTED, 2, "x", "y"),
    }
    end = settled(network(records | told | {KEYS.report(TWO): report(server(2), loaded=2)}))
    assert not halted(end)
    assert set(end.grants) == {"fed-3"}


def test_a_start_in_vain_on_an_older_list_says_nothing_of_the_one_granted() -> None:
    in_vain = replace(report(server(2), Phase.RESTART_PENDING, loaded=1, healthy=False), fruitless=1)
    records = rolling() | {KEYS.grant(TWO): Grant(2, 5, NOW), KEYS.report(TWO): in_vain}
    assert not halted(settled(network(records)))
    records[KEYS.report(TWO)] = replace(in_vain, phase=Phase.STARTING, loaded_version=2)
    assert "did not become healthy" in halted(settled(network(records)))


def test_who_is_out_of_service_and_asks_gets_a_free_turn_whose_failure_halts_nobody() -> None:
    policy = RolloutPolicy(max_unavailable=Limit(2))
    records = rolling(policy=policy) | {KEYS.report(TWO): down(2, Phase.RESTART_PENDING, loaded=1)}
    end = settled(network(records))
    assert {node: grant.free for node, grant in end.grants.items()} == {"fed-2": True, "fed-3": False}
    end = settled(
        network(records | {KEYS.grant(TWO): Grant(2, 5, NOW, free=True), KEYS.report(TWO): down(2)})
    )
    assert not halted(end)
    assert set(end.grants) == {"fed-2", "fed-3"}


def test_a_node_whose_budget_is_spent_halts_the_rollout_until_time_or_a_retry_ends_that() -> None:
    records = rolling(policy=RolloutPolicy(budget=Budget(2, 60.0)))
    member = Member(TWO, server(2).role, server(2).url, "2026-01-01T00:00:00Z", (NOW - 50, NOW - 5))
    records[KEYS.member(TWO)] = member
    end = settled(network(records))
    assert "restarted 2 times within 60 s" in halted(end)
    assert not end.grants
    assert look_again(end, LEADER, NOW) == NOW + 10
    assert granted(records | {KEYS.request("r"): ask(RequestKind.RETRY, "fed-2")}) == {"fed-2"}
    assert granted(records | {KEYS.member(TWO): replace(member, restarts=(NOW - 61, NOW - 5))}) == {"fed-2"}


def test_a_paused_rollout_grants_nothing_and_a_paused_node_is_passed_over() -> None:
    assert not granted(rolling() | {KEYS.request("r"): ask(RequestKind.PAUSE, "")})
    assert granted(rolling() | {KEYS.request("r"): ask(RequestKind.PAUSE, "fed-2")}) == {"fed-3"}
    paused = settled(network(rolling() | {KEYS.request("r"): ask(RequestKind.PAUSE, "")})).standstill
    assert paused
    assert granted(rolling() | {KEYS.standstill: paused, KEYS.request("r"): ask(RequestKind.RESUME, "")}) == {
        "fed-2"
    }


def test_a_pause_and_its_end_that_are_answered_together_leave_nothing_behind() -> None:
    for subject in ("", "fed-2"):
        asked: dict[str, Record] = {
            KEYS.request("a"): ask(RequestKind.PAUSE, subject),
            KEYS.request("b"): ask(RequestKind.RESUME, subject),
        }
        end = settled(network(rolling() | asked))
        assert not end.standstill
        assert not end.pauses


def test_a_skipped_node_is_gone_on_without_and_counts_for_nothing() -> None:
    records = rolling() | {KEYS.grant(TWO): Grant(2, 5, NOW, failed="died"), KEYS.report(TWO): down(2)}
    assert granted(records) == {"fed-2"}
    records[KEYS.skip(TWO)] = LEFT_OUT
    end = settled(network(records))
    assert not halted(end)
    assert set(end.grants) == {"fed-2", "fed-3"}


def test_a_failure_rolls_back_to_the_last_healthy_list_and_quarantines_the_bad_one() -> None:
    records = rolling(policy=RolloutPolicy(on_failure=OnFailure.ROLLBACK))
    end = settled(network(records | {KEYS.grant(TWO): Grant(2, 5, NOW), KEYS.report(TWO): down(2)}))
    assert end.canonical
    assert (end.canonical.version, end.canonical.servers) == (3, servers(9000, 9001, 9002))
    assert [each.version for each in end.quarantined] == [2]
    assert [stone.node_id for stone in end.removed] == ["fed-4"]
    assert "fed-2 died" in end.canonical.cause[0].reason


@pytest.mark.parametrize("key", [KEYS.skip, KEYS.pause])
def test_a_list_is_good_that_everybody_is_healthy_on_whom_no_operator_left_out(
    key: Callable[[NodeID], str],
) -> None:
    records = rolling(1, 3, 4) | {KEYS.report(TWO): report(server(2), Phase.RESTART_PENDING, loaded=1)}
    assert settled(network(records | {KEYS.pause(server(3).node_id): LEFT_OUT})).healthy == OLD
    assert settled(network(records | {key(TWO): LEFT_OUT})).healthy == NEW


def test_a_rollback_does_not_take_out_every_server_that_runs() -> None:
    records = rolling(policy=RolloutPolicy(on_failure=OnFailure.ROLLBACK))
    records |= {
        KEYS.healthy: canonical(9100, 9101),
        KEYS.grant(TWO): Grant(2, 5, NOW),
        KEYS.report(TWO): down(2),
    }
    end = settled(network(records))
    assert end.canonical == NEW
    assert "fed-2 died" in halted(end)


def test_an_operators_removal_may_make_a_quarantined_list_again() -> None:
    records = rolling(policy=RolloutPolicy(on_failure=OnFailure.ROLLBACK))
    bad = records | {KEYS.grant(TWO): Grant(2, 5, NOW), KEYS.report(TWO): down(2)}
    (quarantine,) = settled(network(bad)).quarantined
    quarantine = replace(quarantine, servers=servers(9000, 9001))
    records = rolling() | {KEYS.canonical: OLD, KEYS.quarantine(2): quarantine}
    end = settled(network(records | {KEYS.request("r"): ask(RequestKind.REMOVE, "fed-3")}))
    assert end.canonical
    assert end.canonical.servers == servers(9000, 9001)
    assert not end.quarantined


def test_at_rest_there_is_nothing_to_do_and_no_time_to_wait_for() -> None:
    records = rolling(1, 2, 3, 4) | {KEYS.healthy: NEW}
    assert decide(network(records), LEADER, NOW) is None
    assert look_again(network(records), LEADER, NOW) is None
