"""Ports with faults that `tests.fakes` cannot simulate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from sidecar.domain.errors import BadFile, Problem, StoreRefused, StoreUnavailable
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import Running
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Batch, Revision, Transaction
from tests.fakes.memory_node import MemoryProbe, MemoryState
from tests.fakes.memory_store import MemoryStore


class LaggingStore(MemoryStore):
    """A store that delivers grants late when it watches several ranges, as etcd may for any range."""

    lag = False
    held: list[Batch]

    @asynccontextmanager
    async def watch(self, *ranges: Range, after: Revision) -> AsyncIterator[AsyncIterator[Batch]]:
        async with super().watch(*ranges, after=after) as batches:
            yield self._late(batches) if len(ranges) > 2 else batches

    async def _late(self, batches: AsyncIterator[Batch]) -> AsyncIterator[Batch]:
        self.held = []
        async for batch in batches:
            if self.lag and any("/node/" in key for key in batch.changes):
                self.held.append(batch)
            else:
                yield batch


class WatchlessStore(MemoryStore):
    """A store that answers, but opens no watch, as behind a proxy without support for streams."""

    watches_fail = False

    @asynccontextmanager
    async def watch(self, *ranges: Range, after: Revision) -> AsyncIterator[AsyncIterator[Batch]]:
        if self.watches_fail:
            self.calls += 1
            raise StoreUnavailable("watch: not here")
        async with super().watch(*ranges, after=after) as batches:
            yield batches


class ReadOnlyReportsStore(MemoryStore):
    """A store whose user may not write reports."""

    forbidden = False

    async def commit(self, transaction: Transaction) -> Revision | None:
        if self.forbidden and any("/report/" in each.key for each in transaction.operations):
            self.calls += 1
            raise StoreRefused("commit: etcd refused it: permission denied")
        return await super().commit(transaction)


@dataclass(slots=True)
class SlowState(MemoryState):
    """A state folder on a slow disk."""

    keeping: anyio.Event = field(default_factory=anyio.Event)

    async def save_rejected(self, rejected: str, replaced_by: str) -> str:
        self.keeping.set()
        await anyio.sleep(1.0)
        # By name: `super()` does not work in a dataclass with slots.
        return await MemoryState.save_rejected(self, rejected, replaced_by)


@dataclass(slots=True)
class FullState(MemoryState):
    """A state folder on a disk that is full."""

    full: bool = True

    async def save_rejected(self, rejected: str, replaced_by: str) -> str:
        if self.full:
            raise BadFile("rejected", (Problem("", "cannot be written: the disk is full"),))
        return await MemoryState.save_rejected(self, rejected, replaced_by)


class AlwaysHealthyProbe(MemoryProbe):
    """Reports a process healthy as long as it exists, even while it stops."""

    async def check(self) -> Health:
        return Health(isinstance(self.process.state, Running), "memory")
