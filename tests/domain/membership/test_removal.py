"""Removing servers and database nodes, and readmitting them."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.identity import Role
from sidecar.domain.network.snapshot import read_network
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member
from sidecar.domain.records.requests import OutcomeKind, RequestKind
from sidecar.domain.records.store import Listing, Revision
from sidecar.domain.servers import NodeID
from tests.builders import (
    DATABASE,
    KEYS,
    THREE,
    canonical,
    join,
    listing,
    network,
    operator_request,
    report,
    server,
    servers,
    url,
)
from tests.domain.leader_kit import converged_records, member, run_leader


def test_a_removed_server_leaves_the_list_and_a_tombstone() -> None:
    end = run_leader(
        network(converged_records() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3")})
    )
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001)
    assert end.canonical.removed == (url(9002),)
    assert [t.node_id for t in end.membership.tombstones] == ["fed-3"]
    outcome = end.requests["r"].outcome
    assert outcome is not None
    assert (outcome.kind, outcome.version) == (OutcomeKind.DONE, 2)


def test_a_server_can_be_named_by_its_url_in_any_spelling() -> None:
    end = run_leader(
        network(
            converged_records()
            | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "HTTP://LOCALHOST:9002/")}
        )
    )
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001)
    assert [t.node_id for t in end.membership.tombstones] == ["fed-3"]


def test_a_url_whose_node_was_never_seen_can_be_removed_and_readmitted() -> None:
    alone: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}
    end = run_leader(
        network(alone | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "http://localhost:9002")})
    )
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001)
    asked = listing({KEYS.request("s"): operator_request(RequestKind.READMIT, "http://localhost:9002/")}, 50)
    end = run_leader(read_network(KEYS, Listing(Revision(50), {**end.listing.entries, **asked.entries})))
    assert not end.membership.tombstones
    assert end.canonical is not None
    assert end.canonical.removed == ()


def test_a_removed_server_that_asks_again_gets_the_removed_verdict() -> None:
    end = run_leader(
        network(converged_records() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3")})
    )
    asked = listing({KEYS.request("join-fed-3"): join(server(3), 9000, 9001, 9002)}, 50)
    end = run_leader(read_network(KEYS, Listing(Revision(50), {**end.listing.entries, **asked.entries})))
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001)


def test_the_old_node_id_of_a_renamed_server_is_deleted() -> None:
    renamed = replace(server(3), node_id=NodeID("fed-3-new"))
    records = converged_records() | {KEYS.report(renamed.node_id): report(renamed)}
    del records[KEYS.report(NodeID("fed-3"))]
    end = run_leader(network(records))
    assert NodeID("fed-3") not in end.membership.members
    assert end.membership.members[renamed.node_id].url == url(9002)
    away = converged_records()
    del away[KEYS.report(NodeID("fed-3"))]
    assert NodeID("fed-3") in run_leader(network(away)).membership.members


def test_removing_a_claimant_of_a_url_keeps_the_server_that_has_it() -> None:
    holder, thief = server(2), replace(server(5), url=server(2).url)
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001, 9002),
        KEYS.member(holder.node_id): Member(holder.node_id, holder.role, holder.url, ""),
        KEYS.report(holder.node_id): report(holder),
        KEYS.report(thief.node_id): report(thief),
        KEYS.request("a"): operator_request(RequestKind.REMOVE, thief.node_id),
    }
    end = run_leader(network(records))
    assert end.canonical
    assert end.canonical.servers == THREE
    assert holder.node_id in end.membership.members
    (tombstone,) = end.membership.tombstones
    assert (tombstone.node_id, tombstone.url) == (thief.node_id, None)


def test_the_last_server_cannot_be_removed() -> None:
    alone = canonical(9000, removed=(9001, 9002))
    records: dict[str, Record] = {KEYS.canonical: alone, KEYS.member(NodeID("fed-1")): member(1)}
    end = run_leader(network(records | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-1")}))
    outcome = end.requests["r"].outcome
    assert outcome is not None
    assert outcome.kind is OutcomeKind.REFUSED
    assert end.canonical is not None
    assert end.canonical.version == 1


def test_removing_all_servers_at_once_keeps_the_last_one() -> None:
    requests: dict[str, Record] = {
        KEYS.request(f"r{number}"): operator_request(RequestKind.REMOVE, f"fed-{number}")
        for number in (1, 2, 3)
    }
    end = run_leader(network(converged_records() | requests))
    assert end.canonical is not None
    assert end.canonical.servers == servers(9002)


def test_repeated_removals_and_readmissions_are_explained() -> None:
    once = run_leader(
        network(converged_records() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3")})
    )
    asked = listing(
        {
            KEYS.request("s"): operator_request(RequestKind.REMOVE, "fed-3"),
            KEYS.request("t"): operator_request(RequestKind.READMIT, "fed-1"),
            KEYS.request("u"): operator_request(RequestKind.REMOVE, "fed-99"),
        },
        50,
    )
    end = run_leader(read_network(KEYS, Listing(Revision(50), {**once.listing.entries, **asked.entries})))
    kinds = {name: request.outcome.kind for name, request in end.requests.items() if request.outcome}
    assert kinds == {
        "r": OutcomeKind.DONE,
        "s": OutcomeKind.DONE,
        "t": OutcomeKind.REFUSED,
        "u": OutcomeKind.REFUSED,
    }
    assert KEYS.verdict(NodeID("fed-3")) in end.listing.entries


def test_a_database_node_can_be_removed_without_touching_the_list() -> None:
    records = converged_records() | {
        KEYS.report(DATABASE.node_id): report(DATABASE),
        KEYS.request("r"): operator_request(RequestKind.REMOVE, "db-1"),
    }
    end = run_leader(network(records))
    assert end.canonical is not None
    assert end.canonical.version == 1
    assert [(t.node_id, t.role) for t in end.membership.tombstones] == [("db-1", Role.DATABASE)]
    assert KEYS.verdict(DATABASE.node_id) in end.listing.entries


def test_readmission_deletes_the_verdict_and_the_tombstone() -> None:
    start = run_leader(
        network(converged_records() | {KEYS.request("r"): operator_request(RequestKind.REMOVE, "fed-3")})
    )
    asked = listing({KEYS.request("s"): operator_request(RequestKind.READMIT, "fed-3")}, 50)
    end = run_leader(read_network(KEYS, Listing(Revision(50), {**start.listing.entries, **asked.entries})))
    assert KEYS.verdict(NodeID("fed-3")) not in end.listing.entries
    assert end.canonical is not None
    assert (end.canonical.version, end.canonical.removed) == (3, ())
