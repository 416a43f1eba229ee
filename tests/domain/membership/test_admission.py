"""Admission: which newcomers each policy admits, and what operators may decide about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.leader.requests import handle_request
from sidecar.domain.membership.join_batching import batch_until
from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.results import RequestResult
from sidecar.domain.records.canonical import Change, ChangeKind
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member, VerdictKind
from sidecar.domain.records.policy import Admission, AdmissionProbe, Policy
from sidecar.domain.records.report import Report
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.rollout import Quarantine
from sidecar.domain.records.tokens import JoinToken, TokenRecord
from sidecar.domain.servers import NodeID
from tests.builders import DATABASE, KEYS, canonical, join, network, operator_request, report, server, servers
from tests.domain.leader_kit import LEADER, NOW

TOKEN = JoinToken("0" * 12, "ab" * 32)
JOIN_REQUEST = join(server(4, 9004), 9000, 9004)
VERDICT = KEYS.verdict(NodeID("fed-4"))


def handled(
    request: Request,
    policy: Policy,
    records: dict[str, Record] | None = None,
    probed: str | None = None,
) -> RequestResult:
    published = canonical(9000, 9001, 9002)
    found: dict[str, Record] = {KEYS.canonical: published, KEYS.policy: policy}
    found |= records or {}
    known = {} if probed is None else {(request.attempt, policy.admission_probe): probed}
    context = LeaderContext(
        network(found), published, published.servers, replace(LEADER, probe_results=known), NOW
    )
    return handle_request(context, request)


def test_open_admits_a_server_that_names_itself_and_a_member() -> None:
    answer = handled(JOIN_REQUEST, Policy())
    assert answer.accepted
    assert answer.context.servers == servers(9000, 9001, 9002, 9004)
    assert answer.writes == {VERDICT: None}


def test_manual_keeps_the_request_pending_and_says_so_once() -> None:
    answer = handled(JOIN_REQUEST, Policy(Admission.MANUAL))
    assert not answer.final
    verdict = answer.writes[VERDICT]
    assert getattr(verdict, "kind", None) is VerdictKind.PENDING
    again = handled(JOIN_REQUEST, Policy(Admission.MANUAL), {VERDICT: verdict} if verdict else {})
    assert not again.final
    assert again.writes == {}


def test_an_approval_names_the_operator_and_closes_the_request() -> None:
    records: dict[str, Record] = {KEYS.request("join-fed-4"): JOIN_REQUEST}
    answer = handled(operator_request(RequestKind.APPROVE, "fed-4"), Policy(Admission.MANUAL), records)
    assert answer.accepted
    assert answer.writes == {VERDICT: None, KEYS.request("join-fed-4"): None}
    assert answer.context.network.requests == {}
    assert answer.change
    assert (answer.change.kind, answer.change.by) == (ChangeKind.JOIN, "operator")


def test_an_approval_overrides_the_policy_but_not_the_rules() -> None:
    stranger: dict[str, Record] = {KEYS.request("join-fed-4"): join(server(4, 9004), 9004)}
    answer = handled(operator_request(RequestKind.APPROVE, "fed-4"), Policy(Admission.MANUAL), stranger)
    assert not answer.accepted
    assert "names no server of this network" in answer.reason


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (TokenRecord(TOKEN.secret, "me", "", expires=NOW - 1), "has expired"),
        (TokenRecord(TOKEN.secret, "me", "", uses_left=0), "has no uses left"),
        (TokenRecord("cd" * 32, "me", ""), "was not made with the join token"),
    ],
)
def test_a_spent_or_wrong_token_admits_no_server(record: TokenRecord, why: str) -> None:
    signed = TOKEN.signed(JOIN_REQUEST, KEYS.network)
    answer = handled(signed, Policy(Admission.TOKEN), {KEYS.token(TOKEN.id): record})
    assert not answer.accepted
    assert why in answer.reason


def test_each_join_uses_a_token_once() -> None:
    record = TokenRecord(TOKEN.secret, "me", "", expires=NOW + 1, uses_left=2)
    signed = TOKEN.signed(JOIN_REQUEST, KEYS.network)
    answer = handled(signed, Policy(Admission.TOKEN), {KEYS.token(TOKEN.id): record})
    assert answer.accepted
    assert answer.writes[KEYS.token(TOKEN.id)] == replace(record, uses_left=1)
    assert answer.context.network.membership.tokens[TOKEN.id].uses_left == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "fed-5"},
        {"url": server(5, 9005).url},
        {"servers": servers(9000, 9004, 9005).urls},
        {"attempt": "2"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_proof_is_valid_only_for_the_signed_request(changed: dict[str, object]) -> None:
    record = TokenRecord(TOKEN.secret, "me", "")
    replayed = replace(TOKEN.signed(JOIN_REQUEST, KEYS.network), **changed)  # type: ignore[arg-type]  # any field
    answer = handled(replayed, Policy(Admission.TOKEN), {KEYS.token(TOKEN.id): record})
    assert not answer.accepted


def test_a_proof_is_valid_for_one_network_only() -> None:
    record = TokenRecord(TOKEN.secret, "me", "")
    answer = handled(
        TOKEN.signed(JOIN_REQUEST, "other"), Policy(Admission.TOKEN), {KEYS.token(TOKEN.id): record}
    )
    assert "was not made with the join token" in answer.reason


@pytest.mark.parametrize("text", ["", "abc", f"{'0' * 12}.{'g' * 64}", f"{'0' * 12}.{'a' * 64}\n"])
def test_a_malformed_token_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="is not a join token") as failed:
        JoinToken.parse(text)
    assert not text or text not in str(failed.value)


def test_a_join_waits_for_its_probe_and_follows_the_result() -> None:
    policy = Policy(admission_probe=AdmissionProbe.ANSWERS)
    assert not handled(JOIN_REQUEST, policy).final
    assert handled(JOIN_REQUEST, policy, probed="").accepted
    assert handled(JOIN_REQUEST, policy, probed="nothing answers").reason == "nothing answers"


def test_the_result_of_another_kind_of_probe_does_not_count() -> None:
    published, policy = canonical(9000, 9001, 9002), Policy(admission_probe=AdmissionProbe.IDENTITY)
    found = network({KEYS.canonical: published, KEYS.policy: policy})
    probed = {(JOIN_REQUEST.attempt, AdmissionProbe.ANSWERS): ""}
    context = LeaderContext(found, published, published.servers, replace(LEADER, probe_results=probed), NOW)
    assert not handle_request(context, JOIN_REQUEST).final


@pytest.mark.parametrize(
    ("holder", "whose"),
    [
        (report(server(4, 9003)), "the server at http://localhost:9003"),
        (replace(report(DATABASE), node_id=NodeID("fed-4")), "a database node"),
    ],
)
def test_a_live_node_keeps_its_node_id_even_outside_the_list(holder: Report, whose: str) -> None:
    answer = handled(JOIN_REQUEST, Policy(), {KEYS.report(NodeID("fed-4")): holder})
    assert not answer.accepted
    assert f"the NodeID fed-4 is taken by {whose}" in answer.reason
    pending: dict[str, Record] = {
        KEYS.request("join-fed-4"): JOIN_REQUEST,
        KEYS.report(NodeID("fed-4")): holder,
    }
    assert not handled(
        operator_request(RequestKind.APPROVE, "fed-4"), Policy(Admission.MANUAL), pending
    ).accepted


def test_a_listed_server_keeps_its_node_id_while_it_is_away() -> None:
    known = Member(NodeID("fed-4"), server(4).role, server(4, 9002).url, "")
    for claim in ({}, {KEYS.report(NodeID("fed-4")): report(server(4, 9004))}):
        answer = handled(JOIN_REQUEST, Policy(), {KEYS.member(NodeID("fed-4")): known, **claim})
        assert "the NodeID fed-4 is taken by the server at http://localhost:9002" in answer.reason


def test_a_join_does_not_restore_a_quarantined_list() -> None:
    bad = Quarantine(3, servers(9000, 9001, 9002, 9004), "fed-2 died", "")
    answer = handled(JOIN_REQUEST, Policy(), {KEYS.quarantine(3): bad})
    assert not answer.accepted
    assert "version 3, the same list, is quarantined: fed-2 died" in answer.reason


def test_a_single_join_is_immediate_and_a_storm_is_batched() -> None:
    old, fresh = canonical(9000), replace(canonical(9000), at="2027-01-15T08:00:00Z")
    joining = network({KEYS.canonical: old, KEYS.request("join-fed-4"): JOIN_REQUEST})
    assert batch_until(joining, old, NOW - 0.1, NOW) is None
    assert batch_until(joining, fresh, NOW - 0.1, NOW) == pytest.approx(NOW + 0.4)
    assert batch_until(joining, fresh, NOW - 0.1, NOW + 0.4) is None
    # Newcomers keep coming: the next version follows ten seconds after the last one.
    assert batch_until(joining, fresh, NOW + 9.9, NOW + 9.9) == pytest.approx(NOW + 10)
    assert batch_until(joining, fresh, NOW + 10, NOW + 10) is None
    assert batch_until(network({KEYS.canonical: fresh}), fresh, NOW, NOW) is None
    # A leader's clock was ahead.
    assert batch_until(joining, fresh, NOW - 3600, NOW - 3600) is None


def test_the_batch_delay_grows_with_the_joins_of_the_last_version() -> None:
    joined = (Change(ChangeKind.JOIN, NodeID("fed-9"), None),)
    requests: dict[str, Record] = {KEYS.request("join-fed-4"): JOIN_REQUEST}
    for count, until in ((1, 5.0), (2, 10.0), (300, 10.0)):
        fresh = replace(canonical(9000), at="2027-01-15T08:00:00Z", cause=joined * count)
        assert batch_until(network({KEYS.canonical: fresh} | requests), fresh, NOW, NOW) == NOW + until
