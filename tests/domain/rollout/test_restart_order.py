"""The order of restarts: one at a time, servers first, the leader's own server last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import RequestKind
from sidecar.domain.records.rollout import Grant
from sidecar.domain.servers import NodeID
from tests.builders import (
    DATABASE,
    KEYS,
    canonical,
    network,
    operator_request,
    report,
    server,
)
from tests.domain.leader_kit import converged_records, run_leader


def granted(end: Network) -> set[str]:
    return set(end.rollout.grants)


def pending(records: dict[str, Record], *numbers: int) -> dict[str, Record]:
    for number in numbers:
        who = server(number)
        records[KEYS.report(who.node_id)] = report(who, Phase.RESTART_PENDING)
    return records


def test_servers_restart_one_at_a_time_and_the_leaders_own_last() -> None:
    records = converged_records() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}
    assert granted(run_leader(network(pending(records, 1, 2, 3)))) == {"fed-2"}
    others_done = {KEYS.report(server(n).node_id): report(server(n), loaded=2) for n in (2, 3)}
    assert granted(run_leader(network(records | others_done))) == {"fed-1"}


def test_database_nodes_restart_after_the_servers() -> None:
    records = pending(converged_records() | {KEYS.canonical: canonical(9000, 9001, version=2)}, 1, 2)
    records[KEYS.report(DATABASE.node_id)] = report(DATABASE, Phase.RESTART_PENDING)
    assert granted(run_leader(network(records))) == {"fed-2"}
    done = {KEYS.report(server(number).node_id): report(server(number), loaded=2) for number in (1, 2)}
    assert granted(run_leader(network(records | done))) == {"db-1"}


def test_the_next_grant_waits_until_the_last_node_is_healthy() -> None:
    records = pending(
        converged_records() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}, 1, 3
    )
    records[KEYS.grant(NodeID("fed-2"))] = Grant(2, 5, 0.0)
    records[KEYS.report(NodeID("fed-2"))] = report(server(2), Phase.STARTING, loaded=2, healthy=False)
    assert granted(run_leader(network(records))) == {"fed-2"}
    records[KEYS.report(NodeID("fed-2"))] = report(server(2), loaded=2)
    assert granted(run_leader(network(records))) == {"fed-3"}


def test_a_node_that_vanishes_keeps_its_grant() -> None:
    records = pending(
        converged_records() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}, 1, 3
    )
    records[KEYS.grant(NodeID("fed-2"))] = Grant(2, 5, 0.0)
    del records[KEYS.report(NodeID("fed-2"))]
    assert granted(run_leader(network(records))) == {"fed-2"}


def test_the_grant_of_a_removed_node_is_deleted() -> None:
    records = pending(
        converged_records() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}, 1, 3
    )
    records[KEYS.grant(NodeID("fed-2"))] = Grant(2, 5, 0.0)
    del records[KEYS.report(NodeID("fed-2"))]
    records[KEYS.request("r")] = operator_request(RequestKind.REMOVE, "fed-2")
    assert granted(run_leader(network(records))) == {"fed-3"}


def test_a_granted_node_goes_straight_to_the_newest_version() -> None:
    records = pending(
        converged_records() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=5)}, 1, 2
    )
    records[KEYS.report(NodeID("fed-2"))] = report(server(2), Phase.RESTART_PENDING, loaded=3, healthy=False)
    records[KEYS.grant(NodeID("fed-2"))] = Grant(3, 5, 0.0)
    end = run_leader(network(records))
    assert {node: grant.version for node, grant in end.rollout.grants.items()} == {"fed-2": 5}


@given(
    phases=st.lists(st.sampled_from(list(Phase)), min_size=3, max_size=3),
    loaded=st.lists(st.integers(0, 2), min_size=3, max_size=3),
    healthy=st.lists(st.booleans(), min_size=3, max_size=3),
    held=st.sets(st.integers(1, 3), max_size=1),
    absent=st.sets(st.integers(1, 3)),
)
def test_at_most_one_serving_node_has_a_grant(
    phases: list[Phase], loaded: list[int], healthy: list[bool], held: set[int], absent: set[int]
) -> None:
    records = converged_records() | {KEYS.canonical: canonical(9000, 9001, 9002, 9004, version=2)}
    for number in (1, 2, 3):
        place = number - 1
        records[KEYS.report(server(number).node_id)] = report(
            server(number), phases[place], loaded=loaded[place], healthy=healthy[place]
        )
        if number in absent:
            del records[KEYS.report(server(number).node_id)]
    for number in held:
        records[KEYS.grant(server(number).node_id)] = Grant(2, 5, 0.0)
    assert (
        sum(not grant.already_unavailable for grant in run_leader(network(records)).rollout.grants.values())
        <= 1
    )
