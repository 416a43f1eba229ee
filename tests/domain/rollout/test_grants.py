"""Grants over time: what keeps one, what ends it, and what a newer list changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.leader.decide import decide, next_decision_at
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.encoding import Record, encode
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import Budget, Limit, OnFailure, Policy, RolloutPolicy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Grant
from sidecar.domain.records.store import Batch, Entry, Revision
from sidecar.domain.rollout.assessment import STRICT_ORDER_PERIOD, assess
from sidecar.domain.servers import NodeID
from sidecar.domain.timestamps import format_timestamp
from tests.builders import DATABASE, KEYS, TERM, THREE, apply_transaction, canonical, network, report, server
from tests.domain.leader_kit import LEADER, NOW, run_leader

FED_1, FED_2, FED_3 = (server(number).node_id for number in (1, 2, 3))


def pending(version: int = 5, loaded: int = 4, **rules: object) -> dict[str, Record]:
    """Three servers that have requested a restart from ``loaded`` into ``version``."""
    rollout = replace(RolloutPolicy(), **rules)  # type: ignore[arg-type]  # any field
    records: dict[str, Record] = {KEYS.policy: Policy(rollout=rollout)}
    records |= {KEYS.canonical: canonical(9000, 9001, 9002, version=version)}
    for who in map(server, (1, 2, 3)):
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")
        records[KEYS.report(who.node_id)] = report(who, Phase.RESTART_PENDING, loaded=loaded)
    return records


def with_(start: Network, records: dict[str, Record]) -> Network:
    revision = Revision(start.listing.revision + 1)
    seen = start.listing.entries
    changes = {
        key: Entry(key, encode(record), seen[key].create_revision if key in seen else revision, revision)
        for key, record in records.items()
    }
    return read_network(KEYS, start.listing.applying(Batch(revision, changes)))


def died(number: int, loaded: int) -> dict[str, Record]:
    who = server(number)
    return {KEYS.report(who.node_id): report(who, Phase.CRASHED, loaded=loaded, healthy=False)}


def test_a_newer_list_ends_a_halt() -> None:
    failed: dict[str, Record] = {KEYS.grant(FED_2): Grant(4, TERM.create_revision, NOW, failed="died")}
    for most, others in ((1, set[NodeID]()), (2, {FED_3})):
        start = network({**published(pending(max_unavailable=Limit(most))), **failed, **died(2, 4)})
        end = run_leader(start)
        assert end.rollout.block is None
        assert set(end.rollout.grants) == {FED_2} | others


def test_a_node_fails_on_the_newest_list_of_that_moment() -> None:
    granted: dict[str, Record] = {KEYS.grant(FED_2): Grant(4, TERM.create_revision, NOW - 1)}
    end = run_leader(network({**pending(max_unavailable=Limit(2)), **granted, **died(2, 5)}))
    assert end.rollout.block
    assert (end.rollout.grants[FED_2].version, end.rollout.grants[FED_2].failed) == (5, "died: ")
    assert FED_3 not in end.rollout.grants


def test_a_list_published_during_a_restart_is_rolled_back_as_well() -> None:
    granted: dict[str, Record] = {KEYS.grant(FED_2): Grant(4, TERM.create_revision, NOW - 1)}
    start = {**pending(on_failure=OnFailure.ROLLBACK), **granted, **died(2, 5)}
    start |= {KEYS.canonical: canonical(9000, 9001, 9002, 9003, version=5)}
    end = run_leader(network({**start, KEYS.last_healthy: canonical(9000, 9001, 9002, version=3)}))
    assert end.canonical
    assert end.canonical.servers == THREE


def test_a_settling_node_is_not_restarted_early() -> None:
    settling = Grant(
        4, TERM.create_revision, NOW - 9, healthy_since=NOW - 1, health_epoch=report(server(2)).health_epoch
    )
    end = run_leader(network({**pending(min_ready=60.0), KEYS.grant(FED_2): settling}))
    assert end.rollout.grants == {FED_2: settling}


def test_a_newer_list_does_not_reset_a_settling_node() -> None:
    settling = Grant(
        4, TERM.create_revision, NOW - 59, healthy_since=NOW - 50, health_epoch=report(server(2)).health_epoch
    )
    moved_on = replace(report(server(2), Phase.RESTART_PENDING, loaded=4), since=NOW - 1)
    start = {**pending(min_ready=60.0), KEYS.grant(FED_2): settling, KEYS.report(FED_2): moved_on}
    assert run_leader(network(start)).rollout.grants == {FED_2: settling}
    again = {**start, KEYS.report(FED_2): replace(moved_on, recoveries=1)}
    assert run_leader(network(again)).rollout.grants[FED_2].healthy_since == NOW


def test_an_unused_grant_does_not_count_toward_the_budget() -> None:
    start = pending(budget=Budget(1, 600.0))
    start |= {KEYS.report(FED_3): report(server(3), Phase.RESTART_PENDING, loaded=4, healthy=False)}
    first = run_leader(network(start))
    assert first.rollout.grants[FED_3].already_unavailable
    well: dict[str, Record] = {KEYS.report(FED_3): report(server(3), Phase.RESTART_PENDING, loaded=4)}
    waits = {**well, KEYS.report(FED_2): report(server(2), loaded=5)}
    end = run_leader(with_(first, waits))
    assert end.rollout.block is None
    assert end.rollout.grants == {FED_3: Grant(5, TERM.create_revision, NOW)}
    assert end.membership.members[FED_3].restart_times == (NOW,)


def test_the_grant_of_an_unavailable_node_ends_when_it_serves_again() -> None:
    start = pending()
    start |= {KEYS.report(FED_3): report(server(3), Phase.RESTART_PENDING, loaded=4, healthy=False)}
    first = run_leader(network(start))
    assert first.rollout.grants == {FED_3: Grant(5, TERM.create_revision, NOW, already_unavailable=True)}
    # It became healthy before it saw the grant, and now waits for one like every other node.
    end = run_leader(with_(first, {KEYS.report(FED_3): report(server(3), Phase.RESTART_PENDING, loaded=4)}))
    assert end.rollout.grants == {FED_2: Grant(5, TERM.create_revision, NOW)}


@pytest.mark.parametrize("loaded", [4, 5])
def test_a_grant_dated_in_the_future_times_out_like_any_other(loaded: int) -> None:
    ahead, policy = NOW + 1e8, RolloutPolicy(min_ready=10.0)
    phase = Phase.RUNNING if loaded == 5 else Phase.RESTARTING
    grant: dict[str, Record] = {KEYS.grant(FED_2): Grant(5, 4, ahead, healthy_since=ahead)}
    grant |= {KEYS.report(FED_2): report(server(2), phase, loaded=loaded, healthy=loaded == 5)}
    seen = run_leader(network({**pending(min_ready=10.0), **grant}))
    later = decide(seen, LEADER, NOW + policy.timeout)
    assert later
    end = apply_transaction(seen, later.transaction)
    assert (
        (FED_2 not in end.rollout.grants)
        if loaded == 5
        else ("within 600 s" in end.rollout.grants[FED_2].failed)
    )


def test_a_missing_node_blocks_the_rollout_until_it_is_back() -> None:
    records = pending()
    missing = {key: record for key, record in records.items() if key != KEYS.report(FED_3)}
    end = run_leader(network(missing))
    assert end.rollout.block
    assert str(end.rollout.block).startswith("waiting: fed-3 is away")
    assert end.rollout.grants == {}
    back = run_leader(with_(end, {KEYS.report(FED_3): report(server(3), Phase.RESTART_PENDING, loaded=4)}))
    assert back.rollout.block is None
    assert len(back.rollout.grants) == 1


def test_a_booting_node_is_no_blocker_before_the_timeout() -> None:
    records = published(pending())
    records[KEYS.report(FED_3)] = report(server(3), Phase.STARTING, loaded=5, healthy=False)
    end = run_leader(network(records))
    assert (end.rollout.block, end.rollout.grants) == (None, {})

    timeout = end.policy.rollout.timeout
    assert next_decision_at(end, LEADER, NOW + STRICT_ORDER_PERIOD) == NOW + timeout
    late = decide(end, LEADER, NOW + timeout)
    assert late
    assert (
        str(apply_transaction(end, late.transaction).rollout.block) == "waiting: fed-3 has not become healthy"
    )


def test_a_node_that_cannot_follow_is_a_blocker_after_the_timeout() -> None:
    records = published(pending(loaded=5))
    records[KEYS.report(FED_3)] = report(server(3), Phase.WAITING, loaded=4)
    records[KEYS.report(DATABASE.node_id)] = report(DATABASE, Phase.RESTART_PENDING, loaded=4)
    records[KEYS.report(FED_3)] = report(server(3), Phase.RUNNING, loaded=4)
    end = run_leader(network(records))
    assert (end.rollout.block, end.rollout.grants) == (None, {})
    late = decide(end, LEADER, NOW + end.policy.rollout.timeout)
    assert late
    assert (
        str(apply_transaction(end, late.transaction).rollout.block)
        == "waiting: fed-3 has not requested a restart"
    )


@pytest.mark.parametrize(
    ("age", "granted"), [(0.0, set[NodeID]()), (STRICT_ORDER_PERIOD, {FED_1}), (-60.0, {FED_1})]
)
def test_grants_follow_the_order_right_after_a_version(age: float, granted: set[NodeID]) -> None:
    # fed-1 leads, so its own server is the last one.
    records = published(pending(), NOW - age)
    for number in (2, 3):
        records[KEYS.report(server(number).node_id)] = report(server(number), Phase.RUNNING, loaded=4)
    end = run_leader(network(records))
    assert set(end.rollout.grants) == granted
    if not granted:
        assert next_decision_at(end, LEADER, NOW) == NOW + STRICT_ORDER_PERIOD


def published(records: dict[str, Record], at: float = NOW) -> dict[str, Record]:
    """The same, with a version of that moment."""
    canonical = records[KEYS.canonical]
    assert isinstance(canonical, Canonical)
    return records | {KEYS.canonical: replace(canonical, at=format_timestamp(at))}


@pytest.mark.parametrize("canary", [None, FED_2])
def test_a_node_that_cannot_follow_is_named_as_blocker(canary: NodeID | None) -> None:
    late = report(DATABASE, Phase.RESTART_PENDING, loaded=4)
    start = {**pending(loaded=4 if canary else 5, canary=canary), KEYS.report(DATABASE.node_id): late}
    stuck = replace(report(server(2), loaded=4), reason="its file cannot be written")
    seen = network({**start, KEYS.report(FED_2): stuck})
    assert seen.canonical
    why = assess(seen, seen.canonical, FED_1, NOW).blockers()
    assert why
    assert "fed-2 runs on version 4 and has not requested a restart: its file cannot be written" in why


def test_no_list_is_healthy_before_any_node_is_known() -> None:
    assert run_leader(network({KEYS.canonical: canonical(9000, 9001, 9002)})).rollout.last_healthy is None
