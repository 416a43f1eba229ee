"""Between the domain's values and the JSON of etcd's gateway (``etcdserverpb/rpc.proto`` in JSON).

Keys and values are base64; 64-bit integers come as strings; a field that is 0, "" or false is left out.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Any, assert_never

from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import (
    NO_LEASE,
    Compare,
    Delete,
    Entry,
    LeaseID,
    Listing,
    Operation,
    Put,
    Revision,
    Target,
    Transaction,
)

Json = dict[str, Any]

_REVISION_FIELD = {Target.CREATED: "create_revision", Target.MODIFIED: "mod_revision"}


def encode_key(key: str) -> str:
    # A key of another program below our prefix may be no UTF-8; it must not break a listing, nor be changed.
    return b64encode(key.encode("utf-8", "surrogateescape")).decode("ascii")


def decode_key(text: str) -> str:
    return b64decode(text).decode("utf-8", "surrogateescape")


def range_fields(start: str, end: str | None) -> Json:
    fields = {"key": encode_key(start)}
    if end is not None:
        fields["range_end"] = encode_key(end)
    return fields


def read_request(ranges: Iterable[Range]) -> Json:
    """All ``ranges`` in one transaction: one revision, linearizable because none is marked serializable."""
    return {
        "compare": [],
        "success": [{"request_range": range_fields(each.start, each.end)} for each in ranges],
        "failure": [],
    }


def commit_request(transaction: Transaction) -> Json:
    return {
        "compare": [_compare(compare) for compare in transaction.compares],
        "success": [_operation(operation) for operation in transaction.operations],
        "failure": [],
    }


def watch_requests(ranges: Sequence[Range], after: Revision) -> tuple[Json, ...]:
    """The requests of a watch stream: one watch for each range, and one more that is only its heartbeat.

    ``fragment`` keeps a document near etcd's request limit (1.5 MiB), however much is to catch up on.

    The heartbeat watches a key that the ranges hold, so that it needs no permission of its own, and lets no
    event through: it is there for its progress notifications. Those of the other watches cannot be relied on.
    Since 3.6.2 (pull request 20229, and its backports) etcd sends none to a watch that begins after the
    newest revision until that has passed; ours do just that, and in a network at rest it may not pass for
    days.
    """
    watches = [
        {**range_fields(each.start, each.end), "start_revision": after + 1, "fragment": True}
        for each in ranges
    ]
    heartbeat = {
        **range_fields(ranges[0].start, None),
        "filters": ["NOPUT", "NODELETE"],
        "progress_notify": True,
    }
    return tuple({"create_request": each} for each in (*watches, heartbeat))


def merge_overlapping(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same keys in ranges that share none, so that a watch reports no change twice, or out of order."""
    merged: list[tuple[str, str]] = []
    # A single key is the range up to its next possible key, the one with a NUL behind it.
    for start, end in sorted((each.start, each.end or each.start + "\0") for each in ranges):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(Range(start, end) for start, end in merged)


def parse_revision(answer: Json) -> Revision:
    return Revision(int(answer["header"]["revision"]))


def parse_listing(answer: Json) -> Listing:
    entries: dict[str, Entry] = {}
    for response in answer.get("responses", ()):
        for pair in response["response_range"].get("kvs", ()):
            entry = parse_entry(pair)
            entries[entry.key] = entry
    return Listing(parse_revision(answer), entries)


def parse_entry(pair: Json) -> Entry:
    return Entry(
        decode_key(pair["key"]),
        b64decode(pair.get("value", "")),
        Revision(int(pair["create_revision"])),
        Revision(int(pair["mod_revision"])),
        LeaseID(int(pair.get("lease", 0))),
    )


def _compare(compare: Compare) -> Json:
    return {
        "key": encode_key(compare.key),
        "target": compare.target.value,
        "result": "EQUAL",
        _REVISION_FIELD[compare.target]: compare.revision,
    }


def _operation(operation: Operation) -> Json:
    match operation:
        case Put(key, value, lease):
            put: Json = {"key": encode_key(key), "value": b64encode(value).decode("ascii")}
            if lease != NO_LEASE:
                put["lease"] = lease
            return {"request_put": put}
        case Delete(key, end):
            return {"request_delete_range": range_fields(key, end)}
        case _:
            assert_never(operation)
