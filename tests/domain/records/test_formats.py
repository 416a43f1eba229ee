"""A record of an unknown format is refused, and nothing is built on it or written over it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sidecar.domain.errors import BadRecord, UnknownFormat
from sidecar.domain.leader.decide import decide, next_decision_at, why_idle
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.records.encoding import Record, decode, encode
from sidecar.domain.records.formats import Formats
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Member, Tombstone
from sidecar.domain.records.policy import Policy
from sidecar.domain.records.requests import RequestKind
from sidecar.domain.records.rollout import Grant
from sidecar.domain.records.store import Entry, Put, Revision
from sidecar.domain.servers import NodeID
from tests.builders import KEYS, canonical, join, listing, operator_request, report, server
from tests.domain.leader_kit import LEADER, NOW
from tests.samples.records import RECORDS

FED_3 = NodeID("fed-3")
JOIN = {KEYS.request("join-fed-4"): join(server(4), 9000, 9003)}


def numbered(record: Record, number: object) -> bytes:
    """``record`` as another version of the sidecar might write it."""
    return json.dumps(json.loads(encode(record)) | {"format": number}).encode()


def network_with(records: dict[str, Record], key: str, value: bytes) -> Network:
    found = listing({KEYS.canonical: canonical(9000, 9001, 9002), **records})
    entry = Entry(key, value, Revision(9), Revision(9))
    return read_network(KEYS, replace(found, entries={**found.entries, key: entry}))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_newer_format_is_refused_with_the_key_and_what_to_do(record: Record) -> None:
    with pytest.raises(UnknownFormat) as caught:
        decode(type(record), numbered(record, 2), "/federation/prod/some/key")

    assert str(caught.value) == (
        "/federation/prod/some/key: /format: format 2 is too new: this sidecar reads format 1; "
        "upgrade this sidecar"
    )


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_without_a_format_is_in_format_1(record: Record) -> None:
    by_hand = json.loads(encode(record))
    del by_hand["format"]

    assert decode(type(record), json.dumps(by_hand).encode(), "key") == record


@pytest.mark.parametrize("number", ["1", None, True, 1.5, [1]])
def test_a_format_that_is_no_number_is_refused(number: object) -> None:
    with pytest.raises(BadRecord, match=r"/format: .* is not a number; write 1"):
        decode(Policy, numbered(Policy(), number), "shared/policy")


def test_an_older_format_is_read_only_where_it_is_listed() -> None:
    formats = Formats(3, older=(2,))

    assert formats.find_problem({"format": 2}) is None
    assert formats.find_problem({"format": 3}) is None
    too_old = formats.find_problem({})
    assert too_old
    assert too_old.what == "format 1 is too old: this sidecar reads format 2 or 3"


@pytest.mark.parametrize(
    ("key", "record"),
    [
        (KEYS.canonical, canonical(9000)),
        (KEYS.policy, Policy()),
        (KEYS.report(FED_3), report(server(3))),
        (KEYS.member(FED_3), Member(FED_3, server(3).role, server(3).url, "")),
        (KEYS.tombstone("fed-3"), Tombstone(FED_3, server(3).url, server(3).role, "", "ann", "")),
        (KEYS.grant(FED_3), Grant(1, 5, 0.0)),
    ],
    ids=lambda value: value.removeprefix(KEYS.root) if isinstance(value, str) else "",
)
def test_the_leader_writes_nothing_beside_a_newer_record(key: str, record: Record) -> None:
    network = network_with({**JOIN}, key, numbered(record, 2))

    assert decide(network, LEADER, NOW) is None
    assert next_decision_at(network, LEADER, NOW) is None
    assert f"{key}: /format: format 2 is too new" in (why_idle(network, LEADER) or "")


def test_no_list_is_published_beside_a_newer_tombstone() -> None:
    tombstone = Tombstone(FED_3, server(3).url, server(3).role, "", "ann", "")
    key = Keys("test").tombstone("fed-3")
    found = listing({})
    entry = Entry(key, numbered(tombstone, 2), Revision(9), Revision(9))

    assert decide(read_network(KEYS, replace(found, entries={key: entry})), LEADER, NOW) is None


def test_a_newer_request_is_left_alone_and_the_others_are_answered() -> None:
    key = KEYS.request("newer")
    network = network_with({**JOIN}, key, numbered(operator_request(RequestKind.REMOVE, "fed-3"), 2))
    step = decide(network, LEADER, NOW)

    assert step
    written = [each.key for each in step.transaction.operations]
    assert KEYS.canonical in [each.key for each in step.transaction.operations if isinstance(each, Put)]
    assert key not in written
    assert any(key in problem for problem in network.unreadable)
