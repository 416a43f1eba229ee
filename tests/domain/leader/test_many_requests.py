"""Many requests at once, and requests in an unusual order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.identity import Role
from sidecar.domain.leader.decide import decide
from sidecar.domain.membership.join_batching import MAX_BATCH_DELAY
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.records.encoding import Record, encode
from sidecar.domain.records.membership import Member, Tombstone, Verdict, VerdictKind
from sidecar.domain.records.policy import Admission, Policy
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import OutcomeKind, RequestKind
from sidecar.domain.records.rollout import Exemption
from sidecar.domain.records.store import Batch, Entry, Revision
from sidecar.domain.servers import NodeID
from tests.builders import (
    KEYS,
    THREE,
    apply_transaction,
    canonical,
    join,
    network,
    operator_request,
    report,
    server,
    url,
)
from tests.domain.leader_kit import LEADER, NOW, run_leader

FED_3 = server(3).node_id


def removed_by_url() -> dict[str, Record]:
    """fed-3 was removed by its URL before its name was known, and has its verdict since."""
    tombstone = Tombstone(None, url(9002), Role.FEDERATED, "", "operator", "")
    return {
        KEYS.canonical: canonical(9000, 9001, version=3, removed=(9002,)),
        KEYS.tombstone(tombstone.name): tombstone,
        KEYS.verdict(FED_3): Verdict(VerdictKind.REMOVED, "removed", ""),
    }


def test_a_node_readmitted_while_away_gets_no_removed_verdict() -> None:
    back = operator_request(RequestKind.READMIT, "http://localhost:9002")
    assert run_leader(network({**removed_by_url(), KEYS.request("a"): back})).membership.verdicts == {}


def test_a_node_restored_by_a_rollback_gets_no_removed_verdict() -> None:
    request = replace(operator_request(RequestKind.ROLLBACK, "1"), servers=THREE.urls)
    alive = report(server(3), Phase.REMOVED, loaded=0, healthy=False)
    start = {**removed_by_url(), KEYS.report(FED_3): alive, KEYS.request("a"): request}
    assert run_leader(network(start)).membership.verdicts == {}


def test_a_removed_node_keeps_its_removed_verdict() -> None:
    alive = report(server(3), Phase.REMOVED, loaded=0, healthy=False)
    verdicts = run_leader(network({**removed_by_url(), KEYS.report(FED_3): alive})).membership.verdicts
    assert verdicts[FED_3].kind is VerdictKind.REMOVED


def test_many_url_conflicts_stay_within_etcds_transaction_limit() -> None:
    count = 150
    records: dict[str, Record] = {KEYS.canonical: canonical(*range(9000, 9000 + count))}
    holders = [server(number) for number in range(1, count + 1)]
    records |= {KEYS.member(each.node_id): Member(each.node_id, each.role, each.url, "") for each in holders}
    others = [replace(each, node_id=NodeID(f"other-{each.node_id}")) for each in holders]
    records |= {KEYS.report(each.node_id): report(each) for each in (*holders, *others)}
    taken = [
        each
        for each in run_leader(network(records)).membership.verdicts.values()
        if each.kind is VerdictKind.CONFLICT
    ]
    assert len(taken) == count


def test_a_pause_and_a_resume_in_one_batch_leave_no_pause() -> None:
    asked = [(kind, who) for who in ("", "fed-2") for kind in (RequestKind.PAUSE, RequestKind.RESUME)]
    records: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}
    records |= {KEYS.report(server(2).node_id): report(server(2))}
    records |= {KEYS.request(f"{place}"): operator_request(*each) for place, each in enumerate(asked)}
    end = run_leader(network(records))
    assert (end.rollout.block, end.rollout.pauses) == (None, {})
    assert {str(each.outcome.kind) for each in end.requests.values() if each.outcome} == {"done"}


def test_the_pause_of_a_former_member_can_be_ended() -> None:
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001),
        KEYS.pause(FED_3): Exemption(1, "", "ann"),
        KEYS.request("a"): operator_request(RequestKind.RESUME, "fed-3"),
        KEYS.request("b"): operator_request(RequestKind.RESUME, "fed-4"),
    }
    end = run_leader(network(records))
    assert end.rollout.pauses == {}
    outcomes = {name: request.outcome and request.outcome.kind for name, request in end.requests.items()}
    assert outcomes == {"a": OutcomeKind.DONE, "b": OutcomeKind.REFUSED}


def after_a_storm() -> Network:
    """A large batch of joins that was admitted, with some of its requests still open."""
    ports = range(10_000, 10_200)
    records: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001)}
    records |= {KEYS.request(f"join-{n}"): join(server(n, n), 9000, n) for n in ports}
    step = decide(network(records), LEADER, NOW)
    assert step
    start = apply_transaction(network(records), step.transaction)
    assert start.canonical
    assert len(start.canonical.servers) == 202
    assert len(start.requests) > 50
    return start


@pytest.mark.parametrize("kind", [RequestKind.APPROVE, RequestKind.REFUSE])
def test_a_listed_server_can_be_neither_approved_nor_refused(kind: RequestKind) -> None:
    start = after_a_storm()
    late = next(request.subject for request in start.requests.values())
    listing = start.listing
    entry = Entry(KEYS.request("a"), encode(operator_request(kind, late)), Revision(1), Revision(1))
    batch = Batch(Revision(listing.revision + 1), {entry.key: entry})
    end = run_leader(read_network(KEYS, listing.applying(batch)))
    outcome = end.requests["a"].outcome
    assert outcome
    assert outcome.kind is OutcomeKind.REFUSED
    assert f"no node called {late} has asked to join" in outcome.reason
    assert end.canonical == start.canonical
    assert end.membership.verdicts == {}


def test_a_refused_join_does_not_delay_the_rest_of_a_storm() -> None:
    records: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001)}
    for n in range(10_000, 10_600):
        known = (9999,) if n % 20 == 7 else (9000,)
        records[KEYS.request(f"join-{n}")] = join(server(n, n), *known, n)
    end = run_leader(run_leader(network(records)), now=NOW + MAX_BATCH_DELAY)
    assert end.canonical
    assert (end.canonical.version, len(end.canonical.servers)) == (2, 572)
    assert not end.requests
    assert len(end.membership.verdicts) == 30


def test_the_verdict_of_a_newcomer_is_deleted_once_it_is_listed() -> None:
    who = server(4, 9003)
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001, 9003),
        KEYS.report(who.node_id): report(who),
        KEYS.verdict(who.node_id): Verdict(VerdictKind.REFUSED, "a stranger", "", "1"),
    }
    assert run_leader(network(records)).membership.verdicts == {}


def test_two_joins_with_one_node_id_converge() -> None:
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001),
        KEYS.policy: Policy(Admission.MANUAL),
    }
    for place in ("1", "2"):
        records[KEYS.request(place)] = join(server(4, 9003), 9000, 9003, attempt=place)
    assert run_leader(network(records)).membership.verdicts[NodeID("fed-4")].attempt == "1"
