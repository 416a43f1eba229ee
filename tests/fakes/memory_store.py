"""`MemoryStore`: a client of an etcd in memory, with faults on demand, on any anyio backend and clock."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
from anyio.lowlevel import checkpoint

from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Batch, LeaseID, Listing, Revision, Transaction
from tests.fakes.memory_cluster import Compacted, MemoryCluster

_T = TypeVar("_T")


def new_cluster() -> MemoryCluster:
    """An empty etcd on the clock of the running event loop."""
    return MemoryCluster(anyio.current_time)


class MemoryStore:
    """One client's view of ``cluster``; give each simulated node its own.

    ``delay`` says how long each way of each call takes, so that calls interleave. Faults: `disconnect` and
    `reconnect`, `freeze_watches` and `thaw_watches`, `lose_requests`, `lose_answers`.
    """

    def __init__(self, cluster: MemoryCluster, *, delay: Callable[[], float] = lambda: 0.0) -> None:
        self.cluster = cluster
        self.calls = 0
        self._delay = delay
        self._connected = True
        self._frozen = False
        self._lost_requests = 0
        self._lost_answers = 0
        self._watches: set[_Watch] = set()

    # Faults.

    def disconnect(self) -> None:
        """Calls fail and watches end, until `reconnect`."""
        self._connected = False
        self.end_watches()

    def reconnect(self) -> None:
        """Calls work again."""
        self._connected = True

    def freeze_watches(self) -> None:
        """Watches, open and new, stay silent until `thaw_watches`, as on a half-open connection."""
        self._frozen = True

    def thaw_watches(self) -> None:
        """Watches deliver what they held back."""
        self._frozen = False
        self._wake()

    def end_watches(self) -> None:
        """Every open watch ends, as when etcd's member restarts; calls keep working."""
        for watch in self._watches:
            watch.ended = True
        self._wake()

    def lose_requests(self, count: int = 1) -> None:
        """The next ``count`` calls fail without being done."""
        self._lost_requests = count

    def lose_answers(self, count: int = 1) -> None:
        """The next ``count`` calls are done, and fail all the same."""
        self._lost_answers = count

    # The store.

    async def read(self, *ranges: Range) -> Listing:
        await self._request()
        return await self._answer(self.cluster.list(ranges))

    async def commit(self, transaction: Transaction) -> Revision | None:
        await self._request()
        return await self._answer(self.cluster.commit(transaction))

    async def grant_lease(self, ttl: float) -> LeaseID:
        await self._request()
        return await self._answer(self.cluster.grant(ttl))

    async def keep_alive(self, lease: LeaseID) -> float:
        await self._request()
        return await self._answer(self.cluster.keep_alive(lease))

    async def revoke_lease(self, lease: LeaseID) -> None:
        await self._request()
        self.cluster.revoke(lease)
        await self._answer(None)

    @asynccontextmanager
    async def watch(self, *ranges: Range, after: Revision) -> AsyncIterator[AsyncIterator[Batch]]:
        await self._request()
        watch = _Watch(self, ranges, after)
        self._watches.add(watch)
        try:
            with self.cluster.observed(watch.wake, ranges):
                yield watch
        finally:
            self._watches.discard(watch)

    # For the watches.

    @property
    def frozen(self) -> bool:
        return self._frozen

    def _wake(self) -> None:
        for watch in self._watches:
            watch.wake()

    async def _request(self) -> None:
        self.calls += 1
        await self._travel()
        if self._lost_requests > 0:
            self._lost_requests -= 1
            raise StoreUnavailable("etcd is unavailable: the request was lost")

    async def _answer(self, answer: _T) -> _T:
        await self._travel()
        if self._lost_answers > 0:
            self._lost_answers -= 1
            raise StoreUnavailable("etcd is unavailable: the answer was lost")
        return answer

    async def _travel(self) -> None:
        delay = self._delay()
        await (anyio.sleep(delay) if delay > 0 else checkpoint())
        if not self._connected:
            raise StoreUnavailable("etcd is unavailable: no endpoint can be reached")


class _Watch:
    """An open watch stream."""

    def __init__(self, store: MemoryStore, ranges: tuple[Range, ...], after: Revision) -> None:
        self.ended = False
        self._store = store
        self._ranges = ranges
        self._after = after
        self._ready: deque[Batch] = deque()
        self._changed = anyio.Event()

    def wake(self) -> None:
        """Deliver what has changed."""
        self._changed.set()

    def __aiter__(self) -> _Watch:
        return self

    async def __anext__(self) -> Batch:
        await checkpoint()
        while (batch := self._next()) is None:
            self._changed = anyio.Event()
            # A lease may expire without a call; a watch learns of it from the clock alone.
            with anyio.CancelScope(deadline=self._store.cluster.next_expiry):
                await self._changed.wait()
        return batch

    def _next(self) -> Batch | None:
        if self.ended:
            raise StoreUnavailable("watch: the stream has ended")
        if self._store.frozen:
            self._store.cluster.tick()
            return None
        if not self._ready:
            self._refill()
        return self._ready.popleft() if self._ready else None

    def _refill(self) -> None:
        cluster = self._store.cluster
        try:
            self._ready.extend(cluster.changes_after(self._after, self._ranges))
        except Compacted as exc:
            raise StoreUnavailable(f"watch: {exc}") from exc
        self._after = cluster.revision
