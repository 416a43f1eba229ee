"""What the loops need from outside, as Protocols sized by their callers.

Adapters implement them, ``wiring`` hands them over, tests inject fakes. Every error an implementation raises
is one of `sidecar.domain.errors`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sidecar.domain.documents.document import Document
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import ProcessState
from sidecar.domain.records.keys import Range
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.records.store import Batch, LeaseID, Listing, Revision, Transaction
from sidecar.domain.servers import ServerList, ServerUrl


class Store(Protocol):
    """A linearizable key-value store with leases and watches: etcd, or the one in memory.

    Every call has a deadline and raises `StoreUnavailable` past it; `StoreRefused` is final.
    """

    async def read(self, *ranges: Range) -> Listing:
        """Read all ``ranges`` at one revision, linearizably."""
        ...

    async def commit(self, transaction: Transaction) -> Revision | None:
        """Apply ``transaction``; None when a compare did not hold and nothing was written."""
        ...

    def watch(self, *ranges: Range, after: Revision) -> AbstractAsyncContextManager[AsyncIterator[Batch]]:
        """Stream what changes in ``ranges`` after that revision: read once, then apply batch after batch.

        Opening and the iterator raise `StoreUnavailable` when the stream ends, falls silent, or its revision
        was compacted; the caller reads again. Nothing is ever skipped silently. `StoreRefused` is final.

        For each key the batches are exact and in order. Across ranges they are not: a transaction over two
        ranges may come as two batches, and one range may lag behind another. So a listing with batches
        applied is what each key was at some moment up to now, not a snapshot of its revision; a decision
        made from it compares, in its transaction, what it was made from.
        """
        ...

    async def grant_lease(self, ttl: float) -> LeaseID:
        """Create a lease of ``ttl`` seconds (etcd rounds up to whole seconds)."""
        ...

    async def keep_alive(self, lease: LeaseID) -> float:
        """Renew ``lease``; the seconds it now has left. Raises `LeaseLost` when it is gone."""
        ...

    async def revoke_lease(self, lease: LeaseID) -> None:
        """End ``lease`` and delete its keys, at once. A lease that is gone already is no error."""
        ...


class ConfigFile(Protocol):
    """The ``federated.json`` or ``config.json`` next to the process."""

    async def read(self) -> Document:
        """Read and validate. Raises `BadFile` with every problem found."""
        ...

    async def write(self, document: Document) -> None:
        """Replace the file, durably and atomically, keeping its mode and owner. Raises `BadFile`."""
        ...

    async def propose_repair(self, servers: ServerList) -> tuple[str, Document] | None:
        """The text of a file that `read` refused, and the document it becomes with ``servers`` in it.

        None where more than its list is wrong. Nothing is written: hand the document to `write`.
        """
        ...

    def changes(self) -> AsyncIterator[None]:
        """Yield whenever the file holds something else than what was last read or written here."""
        ...


class StateFolder(Protocol):
    """What the sidecar keeps on disk between two executions."""

    async def load_last_known_good(self) -> tuple[int, ServerList] | None:
        """The version and list that were last applied; None if there are none or the checksum fails."""
        ...

    async def save_last_known_good(self, version: int, servers: ServerList) -> None:
        """Keep this list as the last-known-good one, durably."""
        ...

    async def clear_last_known_good(self) -> None:
        """Have no last-known-good list any more."""
        ...

    async def save_rejected(self, rejected: str, replaced_by: str) -> str:
        """Keep a text that was not obeyed, with its unified diff; return the path of the diff."""
        ...


class Process(Protocol):
    """The process next to the sidecar, whatever launches it."""

    @property
    def state(self) -> ProcessState:
        """What is known of it now."""
        ...

    async def start(self, servers: ServerList) -> None:
        """Launch it on a file that holds ``servers``; returns once it runs, or is `Exited` again."""
        ...

    async def stop(self) -> None:
        """End it: SIGTERM to all of it, SIGKILL after the stop timeout. Returns when all of it is gone."""
        ...

    async def end_supervision(self) -> None:
        """The sidecar ends: what it launched ends with it, what others launched keeps running."""
        ...

    async def wait_for_change(self) -> None:
        """Return when `state` may have changed by itself (it died) since the last call."""
        ...


class Restarter(Protocol):
    """Restarts a `Process` in place: one that something else launches, or that re-reads its file."""

    async def restart(self, servers: ServerList) -> None:
        """Make it read its file, which holds ``servers``, again.

        Returns once it runs on them, or has failed to and its `Process.state` says why.
        """
        ...


class Probe(Protocol):
    """Checks the health of the process next to the sidecar. Never raises: a failure is a result."""

    async def check(self) -> Health: ...


class NewcomerProbe(Protocol):
    """Checks what answers at a newcomer's URL, before the leader admits it. Never raises."""

    async def __call__(self, url: ServerUrl, node_id: str, kind: AdmissionProbe) -> str:
        """Return why it is not admitted; ``""`` if its URL answers as ``kind`` requires."""
        ...


class ServiceManager(Protocol):
    """The service manager that launched the sidecar, and supervises it."""

    @property
    def watchdog(self) -> float | None:
        """Seconds of silence after which it considers the sidecar hung; None if it does not watch."""
        ...

    def notify(self, **state: object) -> None:
        """Send ``state``, with the names of sd_notify(3). Never raises, never waits."""
        ...
