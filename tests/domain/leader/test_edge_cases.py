"""Edge cases: garbage in etcd, two nodes of one name, large numbers, versions that fall."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.errors import BadRecord
from sidecar.domain.identity import Role
from sidecar.domain.membership.cleanup import OUTCOME_RETENTION
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.network.transaction import TransactionBuilder
from sidecar.domain.records.encoding import Record, decode, encode
from sidecar.domain.records.membership import Member, Tombstone, Verdict, VerdictKind
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.records.rollout import Grant
from sidecar.domain.records.store import Listing, Revision
from sidecar.domain.servers import NodeID
from tests.builders import (
    KEYS,
    canonical,
    join,
    listing,
    network,
    operator_request,
    report,
    server,
    url,
)
from tests.domain.leader_kit import NOW, run_leader

FED_2 = NodeID("fed-2")


def then(end: Network, records: dict[str, Record]) -> Network:
    """The network after ``more`` was added to ``end``, once the leader is done."""
    more = listing(records, 1000).entries
    entries = {
        **end.listing.entries,
        **{k: replace(e, create_revision=Revision(e.create_revision + 500)) for k, e in more.items()},
    }
    return run_leader(read_network(KEYS, Listing(Revision(1000), entries)))


def converged_records() -> dict[str, Record]:
    records: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}
    for number in (1, 2, 3):
        who = server(number)
        records[KEYS.report(who.node_id)] = report(who)
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "")
    return records


# Two names for one server.


def test_a_server_with_two_node_ids_is_removed_once() -> None:
    renamed = replace(report(server(3)), node_id=NodeID("fed-3b"))
    end = run_leader(
        network(
            converged_records()
            | {
                KEYS.report(renamed.node_id): renamed,
                KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3"),
                KEYS.request("s"): operator_request(RequestKind.REMOVE, "fed-3b"),
            }
        )
    )
    assert not end.unreadable
    assert end.canonical is not None
    assert end.canonical.removed == (url(9002),)


def test_a_node_removed_by_url_is_not_removed_again_by_node_id() -> None:
    alone: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}
    once = run_leader(
        network(alone | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "http://localhost:9002")})
    )
    reborn = report(server(3), Phase.REMOVED)
    end = then(
        once,
        {
            KEYS.report(reborn.node_id): reborn,
            KEYS.request("s"): operator_request(RequestKind.REMOVE, "fed-3"),
        },
    )
    assert not end.unreadable
    assert end.canonical is not None
    assert end.canonical.version == 2


def test_readmission_by_url_deletes_the_removed_verdict() -> None:
    tombstone = Tombstone(None, url(9002), Role.FEDERATED, "2026-01-01T00:00:00Z", "me", "")
    verdict = Verdict(VerdictKind.REMOVED, "removed", "2026-01-01T00:00:00Z", "1")
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001, removed=(9002,)),
        KEYS.tombstone(tombstone.name): tombstone,
        KEYS.verdict(NodeID("fed-3")): verdict,
        KEYS.report(NodeID("fed-3")): report(server(3), Phase.REMOVED),
        KEYS.request("r"): operator_request(RequestKind.READMIT, "http://localhost:9002"),
    }
    assert KEYS.verdict(NodeID("fed-3")) not in run_leader(network(records)).listing.entries


# Garbage.


def test_a_lone_surrogate_in_a_request_is_refused() -> None:
    value = encode(operator_request(RequestKind.REMOVE, "fed-9")).replace(b"fed-9", rb"\ud800")
    with pytest.raises(BadRecord):
        decode(Request, value, "key")


def test_a_number_beyond_all_floats_is_refused() -> None:
    value = encode(report(server(1))).replace(b'"since":0.0', b'"since":1' + b"0" * 400)
    with pytest.raises(BadRecord):
        decode(Report, value, "key")


def test_a_join_with_an_invalid_node_id_does_not_change_the_list() -> None:
    request = replace(join(server(4, 9004), 9000, 9004), subject="fed 4/grant")
    end = run_leader(network(converged_records() | {KEYS.request("join-x"): request}))
    assert not end.unreadable
    assert end.canonical is not None
    assert end.canonical.version == 1
    assert not end.requests


# Numbers.


def test_garbage_collection_stays_within_etcds_transaction_limit() -> None:
    answered = replace(
        operator_request(RequestKind.REMOVE, "fed-99"),
        outcome=Outcome(OutcomeKind.REFUSED, "", 1, NOW - OUTCOME_RETENTION - 1),
    )
    records: dict[str, Record] = {KEYS.request(f"r{n}"): answered for n in range(300)}
    for n in range(300):
        who = server(n + 10, 20_000 + n)
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "")
        records[KEYS.grant(who.node_id)] = Grant(1, 5, 0.0)
        records[KEYS.report(who.node_id)] = report(who)
    end = run_leader(network(converged_records() | records))
    assert not end.requests
    assert not end.rollout.grants
    assert len(end.membership.members) == 3


@pytest.mark.parametrize("at", [NOW + 86_400 * 365, float("inf"), float("nan")])
def test_an_outcome_from_the_future_is_deleted_too(at: float) -> None:
    answered = replace(
        operator_request(RequestKind.REMOVE, "fed-99"), outcome=Outcome(OutcomeKind.REFUSED, "", 1, at)
    )
    assert not run_leader(network(converged_records() | {KEYS.request("r"): answered})).requests


# Versions that fall, and concurrent writers.


def test_a_grant_for_a_withdrawn_version_ends() -> None:
    records = converged_records() | {KEYS.canonical: canonical(9000, 9001, version=2)}
    records[KEYS.grant(FED_2)] = Grant(3, 5, 0.0)
    records[KEYS.report(FED_2)] = report(server(2), loaded=2)
    records[KEYS.report(NodeID("fed-1"))] = report(server(1), Phase.RESTART_PENDING, loaded=0)
    assert set(run_leader(network(records)).rollout.grants) == {"fed-1"}


def test_a_key_deleted_and_put_in_one_transaction_exists() -> None:
    grant = Grant(2, 5, 0.0)
    seen = listing({KEYS.grant(FED_2): grant})
    draft = TransactionBuilder(KEYS, seen)
    draft.delete(KEYS.grant(FED_2))
    draft.put(KEYS.grant(FED_2), grant)
    assert not draft
