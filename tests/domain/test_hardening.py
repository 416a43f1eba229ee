"""What must not bring the network down: garbage in etcd, names that meet, versions that fall, numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.errors import BadRecord
from sidecar.domain.identity import Role
from sidecar.domain.leader.decide import OUTCOME_KEPT
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.network.transaction import Draft
from sidecar.domain.node.view import Known, View, heard, may_lead, own_list
from sidecar.domain.records.encoding import Record, decode, encode
from sidecar.domain.records.membership import (
    Member,
    Outcome,
    OutcomeKind,
    Request,
    RequestKind,
    Tombstone,
    Verdict,
    VerdictKind,
)
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.rollout import Grant
from sidecar.domain.records.store import Listing, Revision
from sidecar.domain.servers import NodeID
from tests.build import (
    KEYS,
    THREE,
    ask,
    canonical,
    document,
    join,
    listing,
    network,
    report,
    server,
    servers,
    url,
)
from tests.domain.leading import NOW, settled

FED_2 = NodeID("fed-2")


def then(end: Network, records: dict[str, Record]) -> Network:
    """What the leader makes of ``end`` and more."""
    more = listing(records, 1000).entries
    entries = {
        **end.listing.entries,
        **{k: replace(e, created=Revision(e.created + 500)) for k, e in more.items()},
    }
    return settled(read_network(KEYS, Listing(Revision(1000), entries)))


def standing() -> dict[str, Record]:
    records: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}
    for number in (1, 2, 3):
        who = server(number)
        records[KEYS.report(who.node_id)] = report(who)
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "")
    return records


# Two names for one server.


def test_a_server_of_two_names_is_removed_once_and_the_list_stays_readable() -> None:
    renamed = replace(report(server(3)), node_id=NodeID("fed-3b"))
    end = settled(
        network(
            standing()
            | {
                KEYS.report(renamed.node_id): renamed,
                KEYS.request("r"): ask(RequestKind.REMOVE, "fed-3"),
                KEYS.request("s"): ask(RequestKind.REMOVE, "fed-3b"),
            }
        )
    )
    assert not end.unreadable
    assert end.canonical is not None
    assert end.canonical.removed == (url(9002),)


def test_a_url_that_was_removed_before_its_node_was_seen_is_not_removed_again_by_name() -> None:
    alone: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}
    once = settled(network(alone | {KEYS.request("r"): ask(RequestKind.REMOVE, "http://localhost:9002")}))
    reborn = report(server(3), Phase.REMOVED)
    end = then(
        once, {KEYS.report(reborn.node_id): reborn, KEYS.request("s"): ask(RequestKind.REMOVE, "fed-3")}
    )
    assert not end.unreadable
    assert end.canonical is not None
    assert end.canonical.version == 2


def test_a_node_readmitted_by_its_url_is_no_longer_told_that_it_is_removed() -> None:
    tombstone = Tombstone(None, url(9002), Role.FEDERATED, "2026-01-01T00:00:00Z", "me", "")
    told = Verdict(VerdictKind.REMOVED, "removed", "2026-01-01T00:00:00Z", "1")
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001, removed=(9002,)),
        KEYS.removed(tombstone.name): tombstone,
        KEYS.verdict(NodeID("fed-3")): told,
        KEYS.report(NodeID("fed-3")): report(server(3), Phase.REMOVED),
        KEYS.request("r"): ask(RequestKind.READMIT, "http://localhost:9002"),
    }
    assert KEYS.verdict(NodeID("fed-3")) not in settled(network(records)).listing.entries


# Garbage.


def test_half_a_character_in_a_request_is_no_record_and_never_comes_back_out() -> None:
    value = encode(ask(RequestKind.REMOVE, "fed-9")).replace(b"fed-9", rb"\ud800")
    with pytest.raises(BadRecord):
        decode(Request, value, "key")


def test_a_number_beyond_all_floats_is_no_record() -> None:
    value = encode(report(server(1))).replace(b'"since":0.0', b'"since":1' + b"0" * 400)
    with pytest.raises(BadRecord):
        decode(Report, value, "key")


def test_who_joins_under_no_name_a_node_can_have_is_not_written_into_the_list() -> None:
    request = replace(join(server(4, 9004), 9000, 9004), subject="fed 4/grant")
    end = settled(network(standing() | {KEYS.request("join-x"): request}))
    assert not end.unreadable
    assert end.canonical is not None
    assert end.canonical.version == 1
    assert not end.requests


# Numbers.


def test_however_much_is_to_be_tidied_up_etcd_takes_it() -> None:
    answered = replace(
        ask(RequestKind.REMOVE, "nobody"), outcome=Outcome(OutcomeKind.REFUSED, "", 1, NOW - OUTCOME_KEPT - 1)
    )
    records: dict[str, Record] = {KEYS.request(f"r{n}"): answered for n in range(300)}
    for n in range(300):
        who = server(n + 10, 20_000 + n)
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "")
        records[KEYS.grant(who.node_id)] = Grant(1, 5, 0.0)
        records[KEYS.report(who.node_id)] = report(who)
    end = settled(network(standing() | records))
    assert not end.requests
    assert not end.grants
    assert len(end.members) == 3


@pytest.mark.parametrize("at", [NOW + 86_400 * 365, float("inf"), float("nan")])
def test_an_answer_from_the_future_of_a_clock_that_was_set_back_is_tidied_up_too(at: float) -> None:
    answered = replace(ask(RequestKind.REMOVE, "nobody"), outcome=Outcome(OutcomeKind.REFUSED, "", 1, at))
    assert not settled(network(standing() | {KEYS.request("r"): answered})).requests


# Versions that fall, and writers that meet.


def test_a_turn_into_a_version_that_was_taken_back_ends_and_the_others_go_on() -> None:
    records = standing() | {KEYS.canonical: canonical(9000, 9001, version=2)}
    records[KEYS.grant(FED_2)] = Grant(3, 5, 0.0)
    records[KEYS.report(FED_2)] = report(server(2), loaded=2)
    records[KEYS.report(NodeID("fed-1"))] = report(server(1), Phase.RESTART_PENDING, loaded=0)
    assert set(settled(network(records)).grants) == {"fed-1"}


def test_what_is_deleted_and_written_again_in_one_transaction_is_there_afterwards() -> None:
    grant = Grant(2, 5, 0.0)
    seen = listing({KEYS.grant(FED_2): grant})
    draft = Draft(KEYS, seen)
    draft.delete(KEYS.grant(FED_2))
    draft.put(KEYS.grant(FED_2), grant)
    assert not draft


def test_a_list_that_is_lost_is_published_again_from_the_newest_one_obeyed_not_an_older_file() -> None:
    view = View(
        identity=server(1),
        listed=True,
        canonical=canonical(9000, 9001, 9002, 9004, version=5),
        file=document(9000, 9001, 9002),  # a disk that is full
        applied=Known(3, THREE),
    )
    assert own_list(view) == Known(5, servers(9000, 9001, 9002, 9004))


def test_a_server_whose_own_list_does_not_name_it_starts_no_network() -> None:
    view = View(identity=server(9, 9099), listed=True, file=document(9000, 9001))
    assert not may_lead(view)
    assert may_lead(replace(view, identity=server(1)))


def test_an_answer_to_another_node_of_the_same_name_does_not_undo_ones_own() -> None:
    mine = Verdict(VerdictKind.REFUSED, "a stranger", "2026-01-01T00:00:00Z", "mine")
    other, removed = replace(mine, attempt="other"), replace(mine, kind=VerdictKind.REMOVED, attempt="")
    view = View(identity=server(1), attempt="mine", verdict=mine)
    assert heard(view, other) == mine
    assert heard(view, removed) == removed
    assert heard(view, None) is None
    assert heard(replace(view, attempt="new"), other) == other
