"""Which nodes are granted a restart, what ends a grant, and what blocks a rollout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sidecar.domain.identity import Identity
from sidecar.domain.leader.decide import decide, next_decision_at
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import Budget, Limit, OnFailure, Policy, RolloutPolicy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import RequestKind
from sidecar.domain.records.rollout import BlockKind, Exemption, Grant, RolloutBlock
from sidecar.domain.servers import NodeID
from tests.builders import DATABASE, KEYS, canonical, network, operator_request, report, server, servers
from tests.domain.leader_kit import LEADER, NOW, run_leader

OLD, NEW = canonical(9000, 9001, 9002, version=1), canonical(9000, 9001, 9002, 9003, version=2)
FOUR = tuple(server(number) for number in (1, 2, 3, 4))
TWO = NodeID("fed-2")
LEFT_OUT = Exemption(2, "2026-01-01T00:00:00Z", "me")


def rolling(
    *done: int, policy: RolloutPolicy | None = None, nodes: tuple[Identity, ...] = FOUR
) -> dict[str, Record]:
    """Every node waits to restart into version 2, except the servers with the numbers ``done``."""
    records: dict[str, Record] = {KEYS.canonical: NEW, KEYS.last_healthy: OLD}
    if policy:
        records[KEYS.policy] = Policy(rollout=policy)
    for who in nodes:
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")
        records[KEYS.report(who.node_id)] = report(who, Phase.RESTART_PENDING)
    for number in done:
        records[KEYS.report(server(number).node_id)] = report(server(number), loaded=2)
    return records


def granted(records: dict[str, Record]) -> set[str]:
    return set(run_leader(network(records)).rollout.grants)


def halted(end: Network) -> str:
    return (
        end.rollout.block.reason if end.rollout.block and end.rollout.block.kind is BlockKind.HALTED else ""
    )


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


def test_database_nodes_follow_when_all_servers_are_finished() -> None:
    assert granted(rolling(1, 2, 4, nodes=(*FOUR, DATABASE))) == {"fed-3"}
    assert granted(rolling(1, 2, 3, 4, nodes=(*FOUR, DATABASE))) == {"db-1"}


def test_the_leaders_own_server_goes_last() -> None:
    assert granted(rolling(2, 3)) == {"fed-4"}
    assert granted(rolling(2, 3, 4)) == {"fed-1"}


def test_a_node_keeps_its_grant_until_min_ready_has_passed() -> None:
    records = rolling(2, policy=RolloutPolicy(min_ready=10.0)) | {
        KEYS.grant(TWO): Grant(2, 5, NOW - 5, NOW - 4, health_epoch=report(server(2)).health_epoch)
    }
    assert granted(records) == {"fed-2"}
    assert next_decision_at(network(records), LEADER, NOW) == NOW + 6
    long_enough = Grant(2, 5, NOW - 20, NOW - 10, health_epoch=report(server(2)).health_epoch)
    assert granted(records | {KEYS.grant(TWO): long_enough}) == {"fed-3"}
    # It was unhealthy in between, while there was no leader.
    again = records | {KEYS.grant(TWO): replace(long_enough, health_epoch="another/1")}
    assert granted(again) == {"fed-2"}
    assert next_decision_at(network(again), LEADER, NOW) == NOW + 10


def test_a_settling_node_waits_its_turn_for_a_newer_list() -> None:
    records = rolling(policy=RolloutPolicy(min_ready=10.0)) | {
        KEYS.canonical: replace(NEW, version=3),
        KEYS.report(TWO): report(server(2), Phase.RESTART_PENDING, loaded=2),
        KEYS.grant(TWO): Grant(2, 5, NOW - 5, NOW - 4, already_unavailable=True),
    }
    assert run_leader(network(records)).rollout.grants[TWO].version == 2


def test_a_node_not_back_in_time_halts_the_rollout() -> None:
    records = rolling(policy=RolloutPolicy(timeout=60.0)) | {KEYS.report(TWO): down(2, Phase.STARTING)}
    on_its_way = records | {KEYS.grant(TWO): Grant(2, 5, NOW - 59)}
    assert next_decision_at(network(on_its_way), LEADER, NOW) == NOW + 1
    assert not halted(run_leader(network(on_its_way)))
    end = run_leader(network(records | {KEYS.grant(TWO): Grant(2, 5, NOW - 60)}))
    assert "fed-2 did not become healthy on version 2 within 60 s" in halted(end)
    assert set(end.rollout.grants) == {"fed-2"}


@pytest.mark.parametrize("phase", [Phase.CRASHED, Phase.RESTART_FAILED])
def test_a_node_that_crashes_halts_the_rollout_until_it_recovers(phase: Phase) -> None:
    records = rolling() | {KEYS.grant(TWO): Grant(2, 5, NOW), KEYS.report(TWO): down(2, phase)}
    end = run_leader(network(records))
    assert "fed-2" in halted(end)
    assert end.rollout.grants[TWO].failed
    grants: dict[str, Record] = {
        KEYS.grant(TWO): end.rollout.grants[TWO],
        KEYS.rollout_block: RolloutBlock(BlockKind.HALTED, 2, "x", "y"),
    }
    end = run_leader(network(records | grants | {KEYS.report(TWO): report(server(2), loaded=2)}))
    assert not halted(end)
    assert set(end.rollout.grants) == {"fed-3"}


def test_a_failed_start_on_an_older_list_does_not_count() -> None:
    in_vain = replace(report(server(2), Phase.RESTART_PENDING, loaded=1, healthy=False), failed_starts=1)
    records = rolling() | {KEYS.grant(TWO): Grant(2, 5, NOW), KEYS.report(TWO): in_vain}
    assert not halted(run_leader(network(records)))
    records[KEYS.report(TWO)] = replace(in_vain, phase=Phase.STARTING, loaded_version=2)
    assert "did not become healthy" in halted(run_leader(network(records)))


def test_an_unavailable_node_is_granted_without_halting_others() -> None:
    policy = RolloutPolicy(max_unavailable=Limit(2))
    records = rolling(policy=policy) | {KEYS.report(TWO): down(2, Phase.RESTART_PENDING, loaded=1)}
    end = run_leader(network(records))
    assert {node: grant.already_unavailable for node, grant in end.rollout.grants.items()} == {
        "fed-2": True,
        "fed-3": False,
    }
    end = run_leader(
        network(
            records | {KEYS.grant(TWO): Grant(2, 5, NOW, already_unavailable=True), KEYS.report(TWO): down(2)}
        )
    )
    assert not halted(end)
    assert set(end.rollout.grants) == {"fed-2", "fed-3"}


def test_a_spent_restart_budget_halts_until_time_or_a_retry() -> None:
    records = rolling(policy=RolloutPolicy(budget=Budget(2, 60.0)))
    member = Member(TWO, server(2).role, server(2).url, "2026-01-01T00:00:00Z", (NOW - 50, NOW - 5))
    records[KEYS.member(TWO)] = member
    end = run_leader(network(records))
    assert "restarted 2 times within 60 s" in halted(end)
    assert not end.rollout.grants
    assert next_decision_at(end, LEADER, NOW) == NOW + 10
    assert granted(records | {KEYS.request("r"): operator_request(RequestKind.RETRY, "fed-2")}) == {"fed-2"}
    assert granted(records | {KEYS.member(TWO): replace(member, restart_times=(NOW - 61, NOW - 5))}) == {
        "fed-2"
    }


def test_a_pause_blocks_the_rollout_or_skips_one_node() -> None:
    assert not granted(rolling() | {KEYS.request("r"): operator_request(RequestKind.PAUSE, "")})
    assert granted(rolling() | {KEYS.request("r"): operator_request(RequestKind.PAUSE, "fed-2")}) == {"fed-3"}
    paused = run_leader(
        network(rolling() | {KEYS.request("r"): operator_request(RequestKind.PAUSE, "")})
    ).rollout.block
    assert paused
    assert granted(
        rolling() | {KEYS.rollout_block: paused, KEYS.request("r"): operator_request(RequestKind.RESUME, "")}
    ) == {"fed-2"}


def test_a_pause_and_resume_handled_together_leave_no_record() -> None:
    for subject in ("", "fed-2"):
        asked: dict[str, Record] = {
            KEYS.request("a"): operator_request(RequestKind.PAUSE, subject),
            KEYS.request("b"): operator_request(RequestKind.RESUME, subject),
        }
        end = run_leader(network(rolling() | asked))
        assert not end.rollout.block
        assert not end.rollout.pauses


def test_the_rollout_continues_without_a_skipped_node() -> None:
    records = rolling() | {KEYS.grant(TWO): Grant(2, 5, NOW, failed="died"), KEYS.report(TWO): down(2)}
    assert granted(records) == {"fed-2"}
    records[KEYS.skip(TWO)] = LEFT_OUT
    end = run_leader(network(records))
    assert not halted(end)
    assert set(end.rollout.grants) == {"fed-2", "fed-3"}


def test_a_failure_rolls_back_and_quarantines_the_failed_list() -> None:
    records = rolling(policy=RolloutPolicy(on_failure=OnFailure.ROLLBACK))
    end = run_leader(network(records | {KEYS.grant(TWO): Grant(2, 5, NOW), KEYS.report(TWO): down(2)}))
    assert end.canonical
    assert (end.canonical.version, end.canonical.servers) == (3, servers(9000, 9001, 9002))
    assert [each.version for each in end.rollout.quarantines] == [2]
    assert [tombstone.node_id for tombstone in end.membership.tombstones] == ["fed-4"]
    assert "fed-2 died" in end.canonical.cause[0].reason


@pytest.mark.parametrize("key", [KEYS.skip, KEYS.pause])
def test_a_list_is_healthy_when_all_included_nodes_are_healthy(
    key: Callable[[NodeID], str],
) -> None:
    records = rolling(1, 3, 4) | {KEYS.report(TWO): report(server(2), Phase.RESTART_PENDING, loaded=1)}
    assert (
        run_leader(network(records | {KEYS.pause(server(3).node_id): LEFT_OUT})).rollout.last_healthy == OLD
    )
    assert run_leader(network(records | {key(TWO): LEFT_OUT})).rollout.last_healthy == NEW


def test_a_rollback_never_removes_every_running_server() -> None:
    records = rolling(policy=RolloutPolicy(on_failure=OnFailure.ROLLBACK))
    records |= {
        KEYS.last_healthy: canonical(9100, 9101),
        KEYS.grant(TWO): Grant(2, 5, NOW),
        KEYS.report(TWO): down(2),
    }
    end = run_leader(network(records))
    assert end.canonical == NEW
    assert "fed-2 died" in halted(end)


def test_an_operators_removal_may_restore_a_quarantined_list() -> None:
    records = rolling(policy=RolloutPolicy(on_failure=OnFailure.ROLLBACK))
    bad = records | {KEYS.grant(TWO): Grant(2, 5, NOW), KEYS.report(TWO): down(2)}
    (quarantine,) = run_leader(network(bad)).rollout.quarantines
    quarantine = replace(quarantine, servers=servers(9000, 9001))
    records = rolling() | {KEYS.canonical: OLD, KEYS.quarantine(2): quarantine}
    end = run_leader(network(records | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3")}))
    assert end.canonical
    assert end.canonical.servers == servers(9000, 9001)
    assert not end.rollout.quarantines


def test_a_converged_network_has_no_next_check() -> None:
    records = rolling(1, 2, 3, 4) | {KEYS.last_healthy: NEW}
    assert decide(network(records), LEADER, NOW) is None
    assert next_decision_at(network(records), LEADER, NOW) is None
