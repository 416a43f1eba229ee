"""No record in etcd may end a leader: the next leader would read it too."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sidecar.domain.errors import BadRecord
from sidecar.domain.leader.decide import decide
from sidecar.domain.network.snapshot import read_network
from sidecar.domain.records.encoding import Record, decode, encode
from sidecar.domain.records.membership import VerdictKind
from sidecar.domain.records.policy import Admission, Policy
from sidecar.domain.records.report import Report
from sidecar.domain.records.requests import OutcomeKind, RequestKind
from sidecar.domain.records.store import Delete, Entry, Revision
from sidecar.domain.records.tokens import JoinToken, TokenRecord
from sidecar.domain.servers import NodeID
from sidecar.domain.timestamps import parse_timestamp
from tests.builders import KEYS, canonical, join, listing, network, operator_request, report, server, url
from tests.domain.leader_kit import LEADER, NOW, run_leader

TOKEN = JoinToken("0" * 12, "ab" * 32)
JOIN_REQUEST = join(server(4, 9004), 9000, 9004)
STANDS: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, 9002)}


@pytest.mark.parametrize(("secret", "proof"), [(TOKEN.secret, "é"), ("no hexadecimal", "ab")])
def test_any_malformed_proof_or_secret_is_a_refusal(secret: str, proof: str) -> None:
    asked = replace(JOIN_REQUEST, token=TOKEN.id, proof=proof)
    records = {**STANDS, KEYS.policy: Policy(Admission.TOKEN), KEYS.request("join-fed-4"): asked}
    end = run_leader(network({**records, KEYS.token(TOKEN.id): TokenRecord(secret, "me", "")}))
    assert end.membership.verdicts[NodeID("fed-4")].kind is VerdictKind.REFUSED


def test_approving_an_invalid_node_id_is_refused() -> None:
    records = {**STANDS, KEYS.request("a"): operator_request(RequestKind.APPROVE, "a/b")}
    end = run_leader(network({**records, KEYS.request("b"): replace(JOIN_REQUEST, subject="a/b")}))
    outcome = end.requests["a"].outcome
    assert outcome
    assert outcome.kind is OutcomeKind.REFUSED


def test_a_rollback_to_an_invalid_list_is_refused() -> None:
    twice = replace(operator_request(RequestKind.ROLLBACK, "1"), servers=(url(9000), url(9000)))
    outcome = run_leader(network({**STANDS, KEYS.request("a"): twice})).requests["a"].outcome
    assert outcome
    assert "a server is named twice" in outcome.reason


def test_an_impossible_date_does_not_stop_the_leader() -> None:
    dated = replace(canonical(9000, 9001, 9002), at="2025-02-31T12:00:00Z")
    end = run_leader(network({KEYS.canonical: dated, KEYS.request("join-fed-4"): JOIN_REQUEST}))
    assert end.canonical
    assert end.canonical.version == 2
    assert parse_timestamp("2025-02-31T12:00:00Z") == 0.0


def test_an_unreadable_policy_deletes_no_history() -> None:
    start: dict[str, Record] = {KEYS.canonical: canonical(9000, 9001, version=900)}
    found = listing(
        {**start, KEYS.request("a"): operator_request(RequestKind.REMOVE, "http://localhost:9001")}
    )
    unread = Entry(KEYS.policy, b'{"admission": "sometimes", "history": 1000}', Revision(9), Revision(9))
    seen = replace(found, entries={**found.entries, KEYS.policy: unread})
    step = decide(read_network(KEYS, seen), LEADER, NOW)
    assert step
    pruned = [each.end for each in step.transaction.operations if isinstance(each, Delete) and each.end]
    assert all(end <= KEYS.history(1) for end in pruned)


@pytest.mark.parametrize("name", ["\udcff", "a b", "", "fed-9"])
def test_a_report_under_another_node_id_is_ignored_and_named(name: str) -> None:
    key = KEYS.report(NodeID(name))
    misplaced = Entry(key, encode(report(server(4, 9000))), Revision(9), Revision(9))
    found = listing(STANDS)
    start = read_network(KEYS, replace(found, entries={**found.entries, key: misplaced}))
    assert [line for line in start.unreadable if "its key does not match its NodeID" in line]
    end = run_leader(start)
    assert (end.reports, end.membership.members) == ({}, {})
    "".join(start.unreadable).encode()


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 400])
def test_a_nonfinite_number_is_refused(number: str) -> None:
    text = encode(report(server(1))).decode()
    since = json.dumps(json.loads(text)["since"])
    with pytest.raises(BadRecord, match="too large"):
        decode(Report, text.replace(f'"since":{since}', f'"since":{number}').encode(), "report/fed-1")


@pytest.mark.parametrize("value", ['"abc.secret"', '{"secret": ["secret"], "by": "", "at": ""}'])
def test_an_unreadable_secret_is_not_quoted(value: str) -> None:
    with pytest.raises(BadRecord, match="token/1: cannot be read") as caught:
        decode(TokenRecord, value.encode(), "token/1")
    assert "secret" not in str(caught.value)
