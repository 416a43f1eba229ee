"""Newcomers: one version for all that ask together, and the reasons to refuse one."""

from __future__ import annotations

import pytest

from sidecar.domain.membership.join_batching import MAX_BATCH_DELAY
from sidecar.domain.network.snapshot import read_network
from sidecar.domain.records.encoding import Record, decode
from sidecar.domain.records.membership import Verdict, VerdictKind
from sidecar.domain.records.policy import Admission, Policy
from sidecar.domain.records.requests import OutcomeKind, Request, RequestKind
from sidecar.domain.records.store import Entry, Listing, Revision
from sidecar.domain.records.tokens import JoinToken, TokenRecord
from sidecar.domain.servers import NodeID
from tests.builders import (
    KEYS,
    join,
    listing,
    network,
    operator_request,
    server,
    servers,
    url,
)
from tests.domain.leader_kit import NOW, converged_records, join_requests, run_leader


def test_a_newcomer_that_names_a_member_is_appended() -> None:
    end = run_leader(
        network(converged_records() | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9004)})
    )
    assert end.canonical is not None
    assert end.canonical.servers == servers(9000, 9001, 9002, 9004)
    assert end.canonical.version == 2
    assert not end.requests


def test_ten_newcomers_at_once_make_one_version_in_the_order_they_asked() -> None:
    ports = range(9010, 9020)
    requests: dict[str, Record] = {
        KEYS.request(f"join-fed-{port}"): join(server(port, port), 9000, port) for port in ports
    }
    end = run_leader(network(converged_records() | requests))
    assert end.canonical is not None
    assert end.canonical.version == 2
    assert end.canonical.servers == servers(9000, 9001, 9002, *ports)


@pytest.mark.parametrize(("newcomers", "versions"), [(300, 1), (2500, 3)])
def test_a_storm_makes_one_version_in_several_transactions(newcomers: int, versions: int) -> None:
    end = run_leader(network(converged_records() | join_requests(newcomers)))
    for more in range(1, versions):
        end = run_leader(end, now=NOW + more * MAX_BATCH_DELAY)
    assert end.canonical is not None
    assert (end.canonical.version, len(end.canonical.servers)) == (1 + versions, 3 + newcomers)
    assert not end.requests


def test_each_newcomer_of_a_storm_uses_a_token_up() -> None:
    token = JoinToken.new()
    records: dict[str, Record] = {
        KEYS.policy: Policy(Admission.TOKEN),
        KEYS.token(token.id): TokenRecord(token.secret, "operator", "", uses_left=250),
        **{
            name: token.signed(request, KEYS.network)
            for name, request in join_requests(300).items()
            if isinstance(request, Request)
        },
    }
    end = run_leader(run_leader(network(converged_records() | records)), now=NOW + MAX_BATCH_DELAY)
    assert end.canonical is not None
    assert (end.canonical.version, len(end.canonical.servers)) == (2, 253)
    reasons = [verdict.reason for verdict in end.membership.verdicts.values()]
    assert len(reasons) == 50
    assert all("with `sidecar token create`" in reason for reason in reasons)


def test_an_approval_during_a_storm_is_handled_right_after_it() -> None:
    records = join_requests(150)
    names = [f"fed-{port}" for port in range(10_000, 10_150)]
    records |= {KEYS.request(f"yes-{name}"): operator_request(RequestKind.APPROVE, name) for name in names}
    end = run_leader(network(converged_records() | {KEYS.policy: Policy(Admission.MANUAL)} | records))
    assert end.canonical is not None
    assert len(end.canonical.servers) == 153
    outcomes = [request.outcome for request in end.requests.values()]
    assert len(outcomes) == 150
    assert {outcome and outcome.kind for outcome in outcomes} == {OutcomeKind.DONE}


def test_a_stranger_is_refused_with_the_reason_and_the_list_stays() -> None:
    stranger = server(8, 9008)
    end = run_leader(network(converged_records() | {KEYS.request("join-fed-8"): join(stranger, 9008, 9999)}))
    assert end.canonical is not None
    assert end.canonical.version == 1
    entry = end.listing.entries[KEYS.verdict(stranger.node_id)]
    verdict = decode(Verdict, entry.value, entry.key)
    assert verdict.kind is VerdictKind.REFUSED
    assert verdict.attempt == "1"
    assert "names no server of this network" in verdict.reason


def test_a_newcomer_whose_file_does_not_name_itself_is_refused() -> None:
    end = run_leader(
        network(converged_records() | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9001)})
    )
    assert end.canonical is not None
    assert url(9004) not in end.canonical.servers
    assert KEYS.verdict(NodeID("fed-4")) in end.listing.entries


def test_a_closed_policy_admits_no_server() -> None:
    records = converged_records() | {KEYS.policy: Policy(Admission.CLOSED)}
    end = run_leader(network(records | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9004)}))
    assert end.canonical is not None
    assert len(end.canonical.servers) == 3


def test_an_unreadable_policy_admits_no_server() -> None:
    asked = listing(converged_records() | {KEYS.request("join-fed-4"): join(server(4, 9004), 9000, 9004)})
    garbage = Entry(KEYS.policy, b'{"admission": "clo', Revision(1), Revision(1))
    end = run_leader(read_network(KEYS, Listing(asked.revision, {**asked.entries, KEYS.policy: garbage})))
    assert end.canonical is not None
    assert len(end.canonical.servers) == 3


def test_a_node_id_of_a_live_server_cannot_be_taken_by_another() -> None:
    impostor = server(2, 9077)
    end = run_leader(network(converged_records() | {KEYS.request("join-fed-2"): join(impostor, 9000, 9077)}))
    assert end.canonical is not None
    assert url(9077) not in end.canonical.servers
