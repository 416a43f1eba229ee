"""What a watch stream says, as batches."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.adapters.etcd.codec import decode_key, encode_key, merge_overlapping
from sidecar.adapters.etcd.errors import Rejected
from sidecar.adapters.etcd.watch.feed import Compacted, Feed
from sidecar.domain.records.keys import Range


def put(key: str, value: str, revision: int) -> dict[str, Any]:
    pair = {
        "key": encode_key(key),
        "value": b64encode(value.encode()).decode(),
        "create_revision": "1",
        "mod_revision": str(revision),
    }
    return {"kv": pair}


def said(*results: dict[str, Any]) -> bytes:
    return b"".join(json.dumps({"result": result}).encode() + b"\n" for result in results)


def test_a_feed_is_confirmed_when_every_watch_is() -> None:
    feed, confirmed = Feed(2), []
    for results in (
        [{"created": True}],
        [{"events": [put("a", "1", 5)]}, {"created": True, "watch_id": "1"}],
    ):
        feed.receive(said(*results))
        confirmed.append(feed.all_confirmed)
    assert confirmed == [False, True]
    batch = feed.take_batch()
    assert batch is not None
    assert batch.revision == 5


def test_fragments_are_one_batch_when_the_last_has_come() -> None:
    feed = Feed(0)
    feed.receive(said({"events": [put("a", "1", 5)], "fragment": True}))
    feed.receive(said({"watch_id": "1", "events": [put("z", "9", 4)]}))
    batch = feed.take_batch()
    assert batch is not None
    assert set(batch.changes) == {"z"}
    assert feed.take_batch() is None
    feed.receive(said({"events": [put("b", "2", 5)]}))
    batch = feed.take_batch()
    assert batch is not None
    assert set(batch.changes) == {"a", "b"}


def test_changes_that_arrive_together_are_one_batch() -> None:
    feed = Feed(0)
    deleted = {"type": "DELETE", "kv": {"key": encode_key("a"), "mod_revision": "7"}}
    feed.receive(said({"events": [put("a", "1", 5), put("b", "2", 6), deleted]}))
    batch = feed.take_batch()
    assert batch is not None
    assert batch.revision == 7
    assert batch.changes["a"] is None
    assert batch.changes["b"] is not None


def test_the_revision_of_a_batch_is_its_events_not_the_stores() -> None:
    feed = Feed(0)
    feed.receive(said({"header": {"revision": "900"}, "events": [put("a", "1", 5)]}))
    batch = feed.take_batch()
    assert batch is not None
    assert batch.revision == 5


def test_the_revision_does_not_go_back_when_one_range_lags_behind() -> None:
    feed, revisions = Feed(0), []
    for watch, revision in (("0", 10), ("1", 8), ("0", 11)):
        feed.receive(said({"watch_id": watch, "events": [put(watch, "x", revision)]}))
        batch = feed.take_batch()
        assert batch is not None
        revisions.append(batch.revision)
    assert revisions == [10, 10, 11]


def test_a_progress_notification_is_no_batch() -> None:
    feed = Feed(0)
    feed.receive(said({"header": {"revision": "9"}}))
    assert feed.take_batch() is None


def test_a_compacted_watch_ends() -> None:
    with pytest.raises(Compacted, match="below 7"):
        Feed(0).receive(said({"canceled": True, "compact_revision": "7"}))


@pytest.mark.parametrize(
    ("document", "transient"),
    [
        ({"result": {"canceled": True, "cancel_reason": "etcdserver: no leader"}}, True),
        ({"result": {"canceled": True}}, True),
        (
            {
                "result": {
                    "canceled": True,
                    "created": True,
                    "cancel_reason": "rpc error: code = PermissionDenied desc = permission denied",
                }
            },
            False,
        ),
        ({"error": {"grpc_code": 14, "http_code": 503, "message": "etcdserver: no leader"}}, True),
        ({"error": {"code": 14, "message": "etcdserver: no leader"}}, True),
        ({"error": {"code": 7, "message": "etcdserver: permission denied"}}, False),
        ({"error": "something"}, True),
    ],
)
def test_an_error_or_a_cancellation_ends_the_feed(document: dict[str, Any], transient: bool) -> None:
    with pytest.raises(Rejected) as caught:
        Feed(1).receive(json.dumps(document).encode() + b"\n")
    assert caught.value.transient is transient


def test_an_error_without_newline_is_heard_at_the_end() -> None:
    feed = Feed(1)
    feed.receive(b'{"error": {"code": 14, "message": "bye"}}')
    with pytest.raises(Rejected, match="bye"):
        feed.receive(b"")


keys = st.text("abc/\U0001f9a4", min_size=1, max_size=3)
ranges = st.one_of(keys.map(Range), st.tuples(keys, keys).map(lambda pair: Range(min(pair), max(pair) + "a")))


@given(st.lists(ranges, max_size=6), st.lists(keys, max_size=20))
def test_disjoint_ranges_hold_the_same_keys_each_once(some: list[Range], tried: list[str]) -> None:
    parts = merge_overlapping(some)
    for key in tried:
        assert sum(key in part for part in parts) == any(key in each for each in some)


@given(st.binary(max_size=20))
def test_a_key_that_is_no_text_goes_and_comes_unchanged(raw: bytes) -> None:
    text = b64encode(raw).decode()
    assert encode_key(decode_key(text)) == text
