"""What is written to etcd can be read back, and what cannot be read is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.documents.validation import find_problems
from sidecar.domain.errors import BadRecord
from sidecar.domain.identity import Role
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.encoding import Record, decode, encode
from sidecar.domain.records.membership import Candidate, Member, Tombstone, Verdict, VerdictKind
from sidecar.domain.records.policy import Admission, Policy
from sidecar.domain.records.report import Report
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.records.rollout import Grant
from sidecar.domain.servers import NodeID
from tests.builders import DATABASE, canonical, join, operator_request, report, server, servers, url

AT = "2026-01-01T00:00:00Z"
RECORDS: list[Record] = [
    canonical(9000, 9001, version=3, removed=(9002,)),
    Policy(Admission.CLOSED, history=5),
    report(server(1)),
    report(DATABASE),
    join(server(4), 9000, 9003),
    replace(
        operator_request(RequestKind.REMOVE, "fed-3"), outcome=Outcome(OutcomeKind.DONE, "removed", 4, 1.5)
    ),
    Verdict(VerdictKind.REFUSED, "a stranger", AT, "a1"),
    Grant(3, 17, 0.0),
    Tombstone(NodeID("fed-3"), url(9002), Role.FEDERATED, AT, "me", "old"),
    Tombstone(None, url(9002), Role.FEDERATED, AT, "me", ""),
    Member(NodeID("db-1"), Role.DATABASE, None, AT),
    Candidate(NodeID("fed-1"), url(9000), AT, "abcd"),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_record_survives_a_round_trip(record: Record) -> None:
    assert decode(type(record), encode(record), "key") == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_unknown_keys_are_ignored(record: Record) -> None:
    newer = json.loads(encode(record)) | {"a_key_of_tomorrow": {"x": [1]}}
    assert decode(type(record), json.dumps(newer).encode(), "key") == record


def test_encoded_records_match_their_schemas() -> None:
    assert find_problems("canonical", to_json(RECORDS[0])) == ()
    assert find_problems("policy", to_json(RECORDS[1])) == ()
    assert find_problems("report", to_json(RECORDS[2])) == ()
    assert find_problems("report", to_json(RECORDS[3])) == ()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        encode(canonical(9000)).replace(b'"http://localhost:9000"', b'"ftp://x"'),
        encode(canonical(9000)).replace(b'["http://localhost:9000"]', b"[]"),
        encode(canonical(9000)).replace(b'["http://localhost:9000"]', b'["http://a", "http://A/"]'),
        encode(canonical(9000)).replace(b'"version":1', b'"version":true'),
        encode(canonical(9000)).replace(b'"author":"fed-1"', b'"author":"../x"'),
    ],
)
def test_an_invalid_canonical_document_is_refused(value: bytes) -> None:
    with pytest.raises(BadRecord, match="shared/canonical"):
        decode(Canonical, value, "shared/canonical")


def test_a_field_of_the_wrong_type_is_named_by_its_pointer() -> None:
    with pytest.raises(BadRecord, match="/phase"):
        decode(Report, encode(report(server(1))).replace(b'"running"', b'"flying"'), "report/fed-1")
    with pytest.raises(BadRecord, match="'attempt' is missing"):
        decode(Request, b'{"kind": "join", "subject": "x", "by": "x", "at": 1}', "request/x")


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_bad_record(value: bytes) -> None:
    kinds: list[type[Record]] = [Canonical, Report, Request, Tombstone, Grant]
    for cls in kinds:
        with pytest.raises(BadRecord):
            decode(cls, value, "key")


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(name: str) -> None:
    policy = f'{{"rollout":{{"timeout":{name}}}}}'.encode()

    with pytest.raises(BadRecord, match=f"{name} is not JSON"):
        decode(Policy, policy, "k")


def test_a_list_keeps_its_order_and_spelling() -> None:
    record = replace(canonical(9000), servers=servers(9002, 9000))
    assert decode(Canonical, encode(record), "key").servers.texts() == servers(9002, 9000).texts()
