"""The rollout in one word, and the order of its restarts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.identity import Identity
from sidecar.domain.leader.decide import decide
from sidecar.domain.network.context import Leader
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.records.canonical import Canonical, VersionedServers
from sidecar.domain.records.encoding import Record, encode
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import Limit, Policy, RolloutPolicy
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.rollout import BlockKind, Exemption, Grant, RolloutBlock
from sidecar.domain.records.store import Entry, Listing
from sidecar.domain.rollout.assessment import RolloutState, assess
from sidecar.domain.rollout.summary import RolloutPhase, restart_waves, summarize
from sidecar.domain.servers import NodeID
from tests.builders import (
    DATABASE,
    KEYS,
    TERM,
    apply_transaction,
    canonical,
    network,
    report,
    server,
    servers,
)

NOW = 1_800_000_000.0
PORTS = (9000, 9001, 9002, 9003)
NODES = (*(server(number) for number in (1, 2, 3, 4)), DATABASE)


def records(**reports: Report | None) -> dict[str, Record]:
    """Four servers and a database node that wait to restart into version 2; ``reports`` differ, by node."""
    found: dict[str, Record] = {KEYS.canonical: canonical(*PORTS, version=2)}
    for who in NODES:
        found[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")
        found_report = reports.get(
            who.node_id.replace("-", "_"), report(who, Phase.RESTART_PENDING, loaded=1)
        )
        if found_report:
            found[KEYS.report(who.node_id)] = found_report
    return found


def in_step() -> dict[str, Record]:
    return records(**{who.node_id.replace("-", "_"): report(who, loaded=2) for who in NODES})


def look(found: dict[str, Record]) -> RolloutState:
    return look_at(network(found))


def look_at(net: Network) -> RolloutState:
    assert net.canonical
    return assess(net, net.canonical, TERM.node_id, NOW)


def names(seen: RolloutState) -> list[list[str]]:
    return [[place.node_id for place in wave] for wave in restart_waves(seen)]


def rollout(**policy: object) -> Policy:
    return Policy(rollout=replace(RolloutPolicy(), **policy))  # type: ignore[arg-type]  # by name


def test_done_when_every_node_is_in_step() -> None:
    assert summarize(look(in_step()), has_leader=True).phase is RolloutPhase.DONE


def test_done_names_the_nodes_left_out() -> None:
    pause = {KEYS.pause(NodeID("fed-2")): Exemption(1, "", "ann")}

    seen = summarize(
        look(in_step() | {KEYS.report(NodeID("fed-2")): report(server(2))} | pause), has_leader=True
    )

    assert (seen.phase, seen.reason) == (RolloutPhase.DONE, "fed-2 is paused by ann")


def test_running_while_a_node_restarts() -> None:
    grant = {KEYS.grant(NodeID("fed-2")): Grant(2, 5, NOW)}

    seen = summarize(look(records() | grant), has_leader=True)

    assert (seen.phase, seen.reason) == (RolloutPhase.RUNNING, "fed-2 is about to restart")


def test_running_before_the_first_grant_only_with_a_leader() -> None:
    assert summarize(look(records()), has_leader=True).phase is RolloutPhase.RUNNING
    assert summarize(look(records()), has_leader=False).phase is RolloutPhase.WAITING
    assert "no leader" in summarize(look(records()), has_leader=False).reason


def test_waiting_names_the_node_that_is_down_and_why() -> None:
    seen = summarize(look(records(fed_3=None)), has_leader=True)

    assert seen.phase is RolloutPhase.WAITING
    assert seen.reason.startswith("fed-3 is away: ")


def test_waiting_names_a_paused_node_that_is_down() -> None:
    pause = {KEYS.pause(NodeID("fed-3")): Exemption(1, "", "ann")}

    seen = summarize(look(records(fed_3=None) | pause), has_leader=True)

    assert seen.phase is RolloutPhase.WAITING
    assert seen.reason.startswith("fed-3 is paused by ann, and is away: ")


def test_a_node_that_is_down_prevents_done() -> None:
    found = in_step()
    del found[KEYS.report(NodeID("fed-3"))]

    assert summarize(look(found), has_leader=True).phase is RolloutPhase.WAITING


def test_halted_names_the_node_and_the_failure() -> None:
    grant = {KEYS.grant(NodeID("fed-2")): Grant(2, 5, NOW, failed="died: exit code 3")}

    seen = summarize(look(records(fed_2=None) | grant), has_leader=True)

    assert (seen.phase, seen.reason) == (RolloutPhase.HALTED, "fed-2 died: exit code 3")


def test_a_paused_rollout_is_paused_whatever_the_nodes_do() -> None:
    stop = {KEYS.rollout_block: RolloutBlock(BlockKind.PAUSED, 2, "ann paused it: lunch", "", "ann")}
    grant = {KEYS.grant(NodeID("fed-2")): Grant(2, 5, NOW, failed="died")}

    seen = summarize(look(records() | grant | stop), has_leader=True)

    assert (seen.phase, seen.reason) == (RolloutPhase.PAUSED, "ann paused it: lunch")


def test_servers_restart_first_then_the_leader_then_database_nodes() -> None:
    assert names(look(records())) == [["fed-2"], ["fed-3"], ["fed-4"], ["fed-1"], ["db-1"]]


def test_waves_are_as_large_as_the_policy_allows() -> None:
    half = {KEYS.policy: rollout(max_unavailable=Limit(50, percent=True))}

    assert names(look(records() | half)) == [["fed-2", "fed-3"], ["fed-4", "fed-1"], ["db-1"]]


@pytest.mark.parametrize("canary", ["fed-3", "fed-1", "db-1"])
def test_the_canary_goes_first_and_alone(canary: str) -> None:
    policy = {KEYS.policy: rollout(max_unavailable=Limit(2), canary=NodeID(canary))}

    assert names(look(records() | policy))[0] == [canary]


def test_waves_assume_that_unavailable_nodes_recover() -> None:
    stop = {KEYS.rollout_block: RolloutBlock(BlockKind.PAUSED, 2, "ann paused it", "", "ann")}
    grant = {KEYS.grant(NodeID("fed-2")): Grant(2, 5, NOW, failed="died")}
    pause = {KEYS.pause(NodeID("fed-4")): Exemption(1, "", "ann")}

    seen = look(records(fed_2=None, fed_3=None) | grant | stop | pause)

    assert names(seen) == [["fed-1"], ["db-1"]]


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("canary", [None, "fed-3", "db-1"])
def test_the_leader_grants_in_the_order_of_the_waves(limit: int, canary: str | None) -> None:
    chosen = rollout(max_unavailable=Limit(limit), canary=NodeID(canary) if canary else None)
    start = records() | {KEYS.policy: chosen}

    assert names(look(start)) == _granted(network(start))


def _granted(net: Network) -> list[list[str]]:
    """The nodes that the leader grants restarts together, if each becomes healthy after its own."""
    leader = Leader(
        TERM,
        bootstrap_list=VersionedServers(0, servers(*PORTS)),
        last_known_good=VersionedServers(1, servers(*PORTS)),
    )
    waves: list[list[str]] = []
    for _ in range(100):
        while step := decide(net, leader, NOW):
            net = apply_transaction(net, step.transaction)
        if not net.rollout.grants:
            return waves
        together = [place.node_id for place in look_at(net).nodes if place.grant]
        waves.append([str(node) for node in together])
        for who in NODES:
            if who.node_id in together:
                net = _back(net, who, net.canonical)
    raise AssertionError("the rollout never ends")


def _back(net: Network, who: Identity, newest: Canonical | None) -> Network:
    """The network once ``who`` reports that it is healthy on the newest list."""
    assert newest
    key = KEYS.report(who.node_id)
    old = net.listing.entries[key]
    value = encode(report(who, loaded=newest.version))
    entries = {**net.listing.entries, key: Entry(key, value, old.create_revision, net.listing.revision)}
    return read_network(KEYS, Listing(net.listing.revision, entries))
