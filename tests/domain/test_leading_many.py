"""What the leader makes of many things at once, or of what came in an odd order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.identity import Role
from sidecar.domain.leader.decide import decide
from sidecar.domain.membership.join_batching import GATHERED
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.records.encoding import Record, encode
from sidecar.domain.records.membership import (
    Member,
    OutcomeKind,
    RequestKind,
    Tombstone,
    Verdict,
    VerdictKind,
)
from sidecar.domain.records.policy import Admission, Policy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Exemption
from sidecar.domain.records.store import Batch, Entry, Revision
from sidecar.domain.servers import NodeID
from tests.build import KEYS, THREE, after, ask, canonical, join, network, report, server, url
from tests.domain.leading import LEADER, NOW, settled

FED_3 = server(3).node_id


def removed_by_url() -> dict[str, Record]:
    """fed-3 was removed by its URL before anybody knew its name, and was told so since."""
    tombstone = Tombstone(None, url(9002), Role.FEDERATED, "", "operator", "")
    return {
        KEYS.canonical: canonical(9000, 9001, version=3, removed=(9002,)),
        KEYS.removed(tombstone.name): tombstone,
        KEYS.verdict(FED_3): Verdict(VerdictKind.REMOVED, "removed", ""),
    }


def test_who_was_readmitted_while_it_was_away_is_not_told_that_it_is_removed() -> None:
    back = ask(RequestKind.READMIT, "http://localhost:9002")
    assert settled(network({**removed_by_url(), KEYS.request("a"): back})).verdicts == {}


def test_who_is_in_the_list_by_a_rollback_is_not_told_that_it_is_removed() -> None:
    wish = replace(ask(RequestKind.ROLLBACK, "1"), servers=THREE.urls)
    alive = report(server(3), Phase.REMOVED, loaded=0, healthy=False)
    start = {**removed_by_url(), KEYS.report(FED_3): alive, KEYS.request("a"): wish}
    assert settled(network(start)).verdicts == {}


def test_who_is_removed_goes_on_being_told_so() -> None:
    alive = report(server(3), Phase.REMOVED, loaded=0, healthy=False)
    told = settled(network({**removed_by_url(), KEYS.report(FED_3): alive})).verdicts
    assert told[FED_3].kind is VerdictKind.REMOVED


def test_a_crowd_at_urls_of_others_is_turned_away_in_transactions_that_etcd_takes() -> None:
    count = 150
    records: dict[str, Record] = {KEYS.canonical: canonical(*range(9000, 9000 + count))}
    holders = [server(number) for number in range(1, count + 1)]
    records |= {KEYS.member(each.node_id): Member(each.node_id, each.role, each.url, "") for each in holders}
    others = [replace(each, node_id=NodeID(f"other-{each.node_id}")) for each in holders]
    records |= {KEYS.report(each.node_id): report(each) for each in (*holders, *others)}
    taken = [each for each in settled(network(records)).verdicts.values() if each.kind is VerdictKind.TAKEN]
    assert len(taken) == count


def test_a_pause_that_is_resumed_in_the_same_breath_is_over() -> None:
    asked = [(kind, who) for who in ("", "fed-2") for kind in (RequestKind.PAUSE, RequestKind.RESUME)]
    records: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}
    records |= {KEYS.report(server(2).node_id): report(server(2))}
    records |= {KEYS.request(f"{place}"): ask(*each) for place, each in enumerate(asked)}
    end = settled(network(records))
    assert (end.standstill, end.pauses) == (None, {})
    assert {str(each.outcome.kind) for each in end.requests.values() if each.outcome} == {"done"}


def test_a_pause_whose_node_is_a_member_no_more_can_be_ended() -> None:
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001),
        KEYS.pause(FED_3): Exemption(1, "", "ann"),
        KEYS.request("a"): ask(RequestKind.RESUME, "fed-3"),
        KEYS.request("b"): ask(RequestKind.RESUME, "fed-4"),
    }
    end = settled(network(records))
    assert end.pauses == {}
    outcomes = {name: request.outcome and request.outcome.kind for name, request in end.requests.items()}
    assert outcomes == {"a": OutcomeKind.DONE, "b": OutcomeKind.REFUSED}


def crowded() -> Network:
    """A storm that was let in, of which some requests are still to be put away."""
    ports = range(10_000, 10_200)
    records: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001)}
    records |= {KEYS.request(f"join-{n}"): join(server(n, n), 9000, n) for n in ports}
    step = decide(network(records), LEADER, NOW)
    assert step
    start = after(network(records), step.transaction)
    assert start.canonical
    assert len(start.canonical.servers) == 202
    assert len(start.requests) > 50
    return start


@pytest.mark.parametrize("kind", [RequestKind.APPROVE, RequestKind.REFUSE])
def test_who_is_in_the_list_is_neither_approved_nor_refused(kind: RequestKind) -> None:
    start = crowded()
    late = next(request.subject for request in start.requests.values())
    listing = start.listing
    entry = Entry(KEYS.request("a"), encode(ask(kind, late)), Revision(1), Revision(1))
    batch = Batch(Revision(listing.revision + 1), {entry.key: entry})
    end = settled(read_network(KEYS, listing.applying(batch)))
    outcome = end.requests["a"].outcome
    assert outcome
    assert outcome.kind is OutcomeKind.REFUSED
    assert f"nobody called {late} asks to join" in outcome.reason
    assert end.canonical == start.canonical
    assert end.verdicts == {}


def test_a_stranger_in_a_storm_holds_up_nobody_behind_it() -> None:
    records: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001)}
    for n in range(10_000, 10_600):
        known = (9999,) if n % 20 == 7 else (9000,)
        records[KEYS.request(f"join-{n}")] = join(server(n, n), *known, n)
    end = settled(settled(network(records)), now=NOW + GATHERED)
    assert end.canonical
    assert (end.canonical.version, len(end.canonical.servers)) == (2, 572)
    assert not end.requests
    assert len(end.verdicts) == 30


def test_what_was_answered_to_a_newcomer_is_forgotten_once_it_is_in() -> None:
    who = server(4, 9003)
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001, 9003),
        KEYS.report(who.node_id): report(who),
        KEYS.verdict(who.node_id): Verdict(VerdictKind.REFUSED, "a stranger", "", "1"),
    }
    assert settled(network(records)).verdicts == {}


def test_two_wishes_under_one_node_id_come_to_rest() -> None:
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001),
        KEYS.policy: Policy(Admission.MANUAL),
    }
    for place in ("1", "2"):
        records[KEYS.request(place)] = join(server(4, 9003), 9000, 9003, attempt=place)
    assert settled(network(records)).verdicts[NodeID("fed-4")].attempt == "1"
