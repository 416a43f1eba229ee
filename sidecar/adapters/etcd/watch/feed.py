"""From the bytes of a watch stream to batches. No I/O."""

from __future__ import annotations

from sidecar.adapters.etcd.codec import Json, decode_key, parse_entry
from sidecar.adapters.etcd.errors import Rejected, parse_stream_error
from sidecar.adapters.etcd.watch.frames import Frames
from sidecar.domain.records.store import Batch, Entry, Revision


class Compacted(Exception):
    """What was asked for is no longer in etcd's history."""


class Feed:
    """What a stream of several watches has said.

    Each watch covers a range of its own. Within a watch etcd keeps the order of events, and never splits a
    revision between two documents, fragments apart, which are put together again here. Between watches there
    is no order: one that is catching up may lag behind the others. So a batch is exact for each key, and its
    revision is the newest that an event so far had. The revision in a document's header would be wrong: it
    is the whole store's, and ahead of what a watch that is catching up has received.
    """

    def __init__(self, watches: int) -> None:
        self._frames = Frames()
        self._unconfirmed = watches
        self._fragments: dict[str, list[Json]] = {}
        self._changes: dict[str, Entry | None] = {}
        self._revision = Revision(0)

    @property
    def all_confirmed(self) -> bool:
        """Whether etcd has confirmed every watch."""
        return self._unconfirmed == 0

    def receive(self, chunk: bytes) -> None:
        """Take in what was read, b"" at the end. Raises `Rejected`, `Compacted`, `BadFrame`."""
        for document in self._frames.feed(chunk) if chunk else self._frames.finish():
            self._handle_document(document)

    def take_batch(self) -> Batch | None:
        """Everything complete since the last call as one batch, or None.

        What arrived together is handed on together: mostly that unites what one transaction did in several
        ranges, which etcd sends in a document for each.
        """
        if not self._changes:
            return None
        batch = Batch(self._revision, self._changes)
        self._changes = {}
        return batch

    def _handle_document(self, document: Json) -> None:
        if "error" in document:
            raise parse_stream_error(document["error"])
        result: Json = document.get("result", {})
        if result.get("canceled"):
            raise _cancellation_error(result)
        if result.get("created"):
            self._unconfirmed -= 1
        events = result.get("events")
        if not events:
            return  # a confirmation or a progress notification
        watch = str(result.get("watch_id", "0"))
        pending = self._fragments.setdefault(watch, [])
        pending += events
        if not result.get("fragment"):
            del self._fragments[watch]
            for event in pending:
                self._handle_event(event)

    def _handle_event(self, event: Json) -> None:
        pair: Json = event["kv"]
        deleted = event.get("type") == "DELETE"
        self._changes[decode_key(pair["key"])] = None if deleted else parse_entry(pair)
        self._revision = max(self._revision, Revision(int(pair["mod_revision"])))


def _cancellation_error(result: Json) -> Exception:
    if int(result.get("compact_revision", 0)):
        return Compacted(f"revisions below {result['compact_revision']} were compacted")
    return Rejected.from_reason(str(result.get("cancel_reason") or "etcd gave no reason"))
