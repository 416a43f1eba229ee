"""Judging newcomers: what each policy lets in, and what operators may decide about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.domain.leader.requests import judge
from sidecar.domain.membership.join_batching import still_gathering
from sidecar.domain.network.results import Answer, Case
from sidecar.domain.records.canonical import Change, ChangeKind
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member, Request, RequestKind, VerdictKind
from sidecar.domain.records.policy import Admission, AdmissionProbe, Policy
from sidecar.domain.records.report import Report
from sidecar.domain.records.rollout import Quarantine
from sidecar.domain.records.tokens import JoinToken, TokenRecord
from sidecar.domain.servers import NodeID
from tests.build import DATABASE, KEYS, ask, canonical, join, network, report, server, servers
from tests.domain.leading import NOW

TOKEN = JoinToken("0" * 12, "ab" * 32)
WISH = join(server(4, 9004), 9000, 9004)
VERDICT = KEYS.verdict(NodeID("fed-4"))


def judged(
    request: Request,
    policy: Policy,
    records: dict[str, Record] | None = None,
    probed: str | None = None,
) -> Answer:
    stands = canonical(9000, 9001, 9002)
    found: dict[str, Record] = {KEYS.canonical: stands, KEYS.policy: policy}
    found |= records or {}
    known = {} if probed is None else {(request.attempt, policy.admission_probe): probed}
    case = Case(network(found), stands, stands.servers, NOW, "2026-01-01T00:00:00Z", known)
    return judge(case, request)


def test_open_lets_in_who_names_itself_and_a_member() -> None:
    answer = judged(WISH, Policy())
    assert answer.accepted
    assert answer.servers == servers(9000, 9001, 9002, 9004)
    assert answer.writes == {VERDICT: None}


def test_manual_leaves_the_wish_open_and_says_so_once() -> None:
    answer = judged(WISH, Policy(Admission.MANUAL))
    assert not answer.settled
    verdict = answer.writes[VERDICT]
    assert getattr(verdict, "kind", None) is VerdictKind.PENDING
    told = judged(WISH, Policy(Admission.MANUAL), {VERDICT: verdict} if verdict else {})
    assert not told.settled
    assert told.writes == {}


def test_an_approval_names_the_operator_and_takes_the_wish_away() -> None:
    records: dict[str, Record] = {KEYS.request("join-fed-4"): WISH}
    answer = judged(ask(RequestKind.APPROVE, "fed-4"), Policy(Admission.MANUAL), records)
    assert answer.accepted
    assert answer.writes == {VERDICT: None, KEYS.request("join-fed-4"): None}
    assert answer.network.requests == {}
    assert answer.change
    assert (answer.change.kind, answer.change.by) == (ChangeKind.JOIN, "operator")


def test_an_approval_overrides_the_policy_but_not_the_rules() -> None:
    stranger: dict[str, Record] = {KEYS.request("join-fed-4"): join(server(4, 9004), 9004)}
    answer = judged(ask(RequestKind.APPROVE, "fed-4"), Policy(Admission.MANUAL), stranger)
    assert not answer.accepted
    assert "a stranger" in answer.reason


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (TokenRecord(TOKEN.secret, "me", "", expires=NOW - 1), "has expired"),
        (TokenRecord(TOKEN.secret, "me", "", uses=0), "was used as often as it may be"),
        (TokenRecord("cd" * 32, "me", ""), "was not made with the join token"),
    ],
)
def test_a_token_that_is_spent_or_another_lets_nobody_in(record: TokenRecord, why: str) -> None:
    signed = TOKEN.signed(WISH, KEYS.network)
    answer = judged(signed, Policy(Admission.TOKEN), {KEYS.token(TOKEN.id): record})
    assert not answer.accepted
    assert why in answer.reason


def test_a_use_is_taken_off_with_each_join() -> None:
    record = TokenRecord(TOKEN.secret, "me", "", expires=NOW + 1, uses=2)
    signed = TOKEN.signed(WISH, KEYS.network)
    answer = judged(signed, Policy(Admission.TOKEN), {KEYS.token(TOKEN.id): record})
    assert answer.accepted
    assert answer.writes[KEYS.token(TOKEN.id)] == replace(record, uses=1)
    assert answer.network.tokens[TOKEN.id].uses == 1


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
def test_a_proof_is_good_for_nothing_but_what_was_signed(changed: dict[str, object]) -> None:
    record = TokenRecord(TOKEN.secret, "me", "")
    replayed = replace(TOKEN.signed(WISH, KEYS.network), **changed)  # type: ignore[arg-type]  # any field
    answer = judged(replayed, Policy(Admission.TOKEN), {KEYS.token(TOKEN.id): record})
    assert not answer.accepted


def test_a_proof_for_one_network_is_none_for_another() -> None:
    record = TokenRecord(TOKEN.secret, "me", "")
    answer = judged(TOKEN.signed(WISH, "other"), Policy(Admission.TOKEN), {KEYS.token(TOKEN.id): record})
    assert "was not made with the join token" in answer.reason


@pytest.mark.parametrize("text", ["", "abc", f"{'0' * 12}.{'g' * 64}", f"{'0' * 12}.{'a' * 64}\n"])
def test_what_is_no_token_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="is not a join token") as failed:
        JoinToken.parse(text)
    assert not text or text not in str(failed.value)


def test_a_probe_is_waited_for_and_believed() -> None:
    policy = Policy(admission_probe=AdmissionProbe.ANSWERS)
    assert not judged(WISH, policy).settled
    assert judged(WISH, policy, probed="").accepted
    assert judged(WISH, policy, probed="nothing answers").reason == "nothing answers"


def test_what_another_kind_of_probe_found_does_not_count() -> None:
    stands, policy = canonical(9000, 9001, 9002), Policy(admission_probe=AdmissionProbe.IDENTITY)
    found = network({KEYS.canonical: stands, KEYS.policy: policy})
    probed = {(WISH.attempt, AdmissionProbe.ANSWERS): ""}
    case = Case(found, stands, stands.servers, NOW, "2026-01-01T00:00:00Z", probed)
    assert not judge(case, WISH).settled


@pytest.mark.parametrize(
    ("holder", "whose"),
    [
        (report(server(4, 9003)), "the server at http://localhost:9003"),
        (replace(report(DATABASE), node_id=NodeID("fed-4")), "a database node"),
    ],
)
def test_the_nodeid_of_a_node_that_is_alive_is_taken_also_outside_the_list(
    holder: Report, whose: str
) -> None:
    answer = judged(WISH, Policy(), {KEYS.report(NodeID("fed-4")): holder})
    assert not answer.accepted
    assert f"the NodeID fed-4 is taken by {whose}" in answer.reason
    pending: dict[str, Record] = {KEYS.request("join-fed-4"): WISH, KEYS.report(NodeID("fed-4")): holder}
    assert not judged(ask(RequestKind.APPROVE, "fed-4"), Policy(Admission.MANUAL), pending).accepted


def test_a_server_of_the_list_keeps_its_nodeid_while_it_is_away_and_while_it_claims_another_url() -> None:
    known = Member(NodeID("fed-4"), server(4).role, server(4, 9002).url, "")
    for claim in ({}, {KEYS.report(NodeID("fed-4")): report(server(4, 9004))}):
        answer = judged(WISH, Policy(), {KEYS.member(NodeID("fed-4")): known, **claim})
        assert "the NodeID fed-4 is taken by the server at http://localhost:9002" in answer.reason


def test_the_list_of_a_quarantined_version_does_not_come_back_by_a_join() -> None:
    bad = Quarantine(3, servers(9000, 9001, 9002, 9004), "fed-2 died", "")
    answer = judged(WISH, Policy(), {KEYS.quarantine(3): bad})
    assert not answer.accepted
    assert "version 3, the same list, is quarantined: fed-2 died" in answer.reason


def test_who_comes_alone_is_let_in_at_once_and_who_comes_in_a_storm_is_gathered() -> None:
    old, fresh = canonical(9000), replace(canonical(9000), at="2027-01-15T08:00:00Z")
    storm = network({KEYS.canonical: old, KEYS.request("join-fed-4"): WISH})
    assert still_gathering(storm, old, NOW - 0.1, NOW) is None
    assert still_gathering(storm, fresh, NOW - 0.1, NOW) == pytest.approx(NOW + 0.4)
    assert still_gathering(storm, fresh, NOW - 0.1, NOW + 0.4) is None
    # They come and come: ten seconds after a version, there is another one.
    assert still_gathering(storm, fresh, NOW + 9.9, NOW + 9.9) == pytest.approx(NOW + 10)
    assert still_gathering(storm, fresh, NOW + 10, NOW + 10) is None
    assert still_gathering(network({KEYS.canonical: fresh}), fresh, NOW, NOW) is None
    # A leader's clock was ahead.
    assert still_gathering(storm, fresh, NOW - 3600, NOW - 3600) is None


def test_the_more_came_with_the_last_version_the_longer_the_next_are_gathered() -> None:
    joined = (Change(ChangeKind.JOIN, NodeID("fed-9"), None),)
    wish: dict[str, Record] = {KEYS.request("join-fed-4"): WISH}
    for count, until in ((1, 5.0), (2, 10.0), (300, 10.0)):
        fresh = replace(canonical(9000), at="2027-01-15T08:00:00Z", cause=joined * count)
        assert still_gathering(network({KEYS.canonical: fresh} | wish), fresh, NOW, NOW) == NOW + until
