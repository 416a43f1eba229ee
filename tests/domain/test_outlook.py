"""The rollout in one word, and the order of its turns, played through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.identity import Identity
from sidecar.domain.leader.decide import Leader, decide
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.node.view import Known
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.encoding import Record, encode
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import Limit, Policy, RolloutPolicy
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.rollout import Exemption, Grant, Halt, Standstill
from sidecar.domain.records.store import Entry, Listing
from sidecar.domain.rollout.assessment import Survey, survey
from sidecar.domain.rollout.summary import State, outlook, waves
from sidecar.domain.servers import NodeID
from tests.build import DATABASE, KEYS, TERM, after, canonical, network, report, server, servers

NOW = 1_800_000_000.0
PORTS = (9000, 9001, 9002, 9003)
NODES = (*(server(number) for number in (1, 2, 3, 4)), DATABASE)


def records(**reports: Report | None) -> dict[str, Record]:
    """Four servers and a database node that wait to restart into version 2; ``reports`` differ, by node."""
    found: dict[str, Record] = {KEYS.canonical: canonical(*PORTS, version=2)}
    for who in NODES:
        found[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")
        told = reports.get(who.node_id.replace("-", "_"), report(who, Phase.RESTART_PENDING, loaded=1))
        if told:
            found[KEYS.report(who.node_id)] = told
    return found


def in_step() -> dict[str, Record]:
    return records(**{who.node_id.replace("-", "_"): report(who, loaded=2) for who in NODES})


def look(found: dict[str, Record]) -> Survey:
    return look_at(network(found))


def look_at(net: Network) -> Survey:
    assert net.canonical
    return survey(net, net.canonical, TERM.node_id, NOW)


def names(seen: Survey) -> list[list[str]]:
    return [[place.node_id for place in wave] for wave in waves(seen)]


def rollout(**policy: object) -> Policy:
    return Policy(rollout=replace(RolloutPolicy(), **policy))  # type: ignore[arg-type]  # by name


def test_done_when_every_node_is_in_step() -> None:
    assert outlook(look(in_step()), led=True).state is State.DONE


def test_done_says_who_was_left_out() -> None:
    pause = {KEYS.pause(NodeID("fed-2")): Exemption(1, "", "ann")}

    seen = outlook(look(in_step() | {KEYS.report(NodeID("fed-2")): report(server(2))} | pause), led=True)

    assert (seen.state, seen.why) == (State.DONE, "fed-2 is paused by ann")


def test_running_while_somebody_has_its_turn() -> None:
    turn = {KEYS.grant(NodeID("fed-2")): Grant(2, 5, NOW)}

    seen = outlook(look(records() | turn), led=True)

    assert (seen.state, seen.why) == (State.RUNNING, "fed-2 is about to restart")


def test_running_before_the_first_turn_is_given_but_not_where_nobody_gives_it() -> None:
    assert outlook(look(records()), led=True).state is State.RUNNING
    assert outlook(look(records()), led=False).state is State.WAITING
    assert "nobody leads" in outlook(look(records()), led=False).why


def test_waiting_for_who_is_down_and_why() -> None:
    seen = outlook(look(records(fed_3=None)), led=True)

    assert seen.state is State.WAITING
    assert seen.why.startswith("fed-3 is missing: ")


def test_waiting_for_a_paused_node_that_is_down() -> None:
    pause = {KEYS.pause(NodeID("fed-3")): Exemption(1, "", "ann")}

    seen = outlook(look(records(fed_3=None) | pause), led=True)

    assert seen.state is State.WAITING
    assert seen.why.startswith("fed-3 is paused by ann, and is missing: ")


def test_a_node_that_is_down_keeps_it_from_being_done() -> None:
    found = in_step()
    del found[KEYS.report(NodeID("fed-3"))]

    assert outlook(look(found), led=True).state is State.WAITING


def test_halted_names_the_node_and_the_failure() -> None:
    turn = {KEYS.grant(NodeID("fed-2")): Grant(2, 5, NOW, failed="died: exit code 3")}

    seen = outlook(look(records(fed_2=None) | turn), led=True)

    assert (seen.state, seen.why) == (State.HALTED, "fed-2 died: exit code 3")


def test_a_pause_of_all_comes_before_whatever_else_is_so() -> None:
    stop = {KEYS.standstill: Standstill(Halt.PAUSED, 2, "ann paused it: lunch", "", "ann")}
    turn = {KEYS.grant(NodeID("fed-2")): Grant(2, 5, NOW, failed="died")}

    seen = outlook(look(records() | turn | stop), led=True)

    assert (seen.state, seen.why) == (State.PAUSED, "ann paused it: lunch")


def test_turns_go_to_the_servers_then_the_leaders_own_then_the_database_nodes() -> None:
    assert names(look(records())) == [["fed-2"], ["fed-3"], ["fed-4"], ["fed-1"], ["db-1"]]


def test_turns_go_together_as_far_as_the_policy_allows() -> None:
    half = {KEYS.policy: rollout(max_unavailable=Limit(50, percent=True))}

    assert names(look(records() | half)) == [["fed-2", "fed-3"], ["fed-4", "fed-1"], ["db-1"]]


@pytest.mark.parametrize("canary", ["fed-3", "fed-1", "db-1"])
def test_the_canary_goes_first_and_alone(canary: str) -> None:
    policy = {KEYS.policy: rollout(max_unavailable=Limit(2), canary=NodeID(canary))}

    assert names(look(records() | policy))[0] == [canary]


def test_the_way_is_played_through_as_if_who_is_out_came_back() -> None:
    stop = {KEYS.standstill: Standstill(Halt.PAUSED, 2, "ann paused it", "", "ann")}
    turn = {KEYS.grant(NodeID("fed-2")): Grant(2, 5, NOW, failed="died")}
    pause = {KEYS.pause(NodeID("fed-4")): Exemption(1, "", "ann")}

    seen = look(records(fed_2=None, fed_3=None) | turn | stop | pause)

    assert names(seen) == [["fed-1"], ["db-1"]]


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("canary", [None, "fed-3", "db-1"])
def test_what_is_foreseen_is_what_the_leader_then_does(limit: int, canary: str | None) -> None:
    chosen = rollout(max_unavailable=Limit(limit), canary=NodeID(canary) if canary else None)
    start = records() | {KEYS.policy: chosen}

    assert names(look(start)) == _granted(network(start))


def _granted(net: Network) -> list[list[str]]:
    """Who the leader gives turns to, together, while each comes back from its own."""
    leader = Leader(TERM, own=Known(0, servers(*PORTS)), trusted=Known(1, servers(*PORTS)))
    turns: list[list[str]] = []
    for _ in range(100):
        while step := decide(net, leader, NOW):
            net = after(net, step.transaction)
        if not net.grants:
            return turns
        together = [place.node_id for place in look_at(net).places if place.grant]
        turns.append([str(node) for node in together])
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
    entries = {**net.listing.entries, key: Entry(key, value, old.created, net.listing.revision)}
    return read_network(KEYS, Listing(net.listing.revision, entries))
