"""A store with failures, for the tests of commands that follow a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.keys import Range
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.records.store import Batch, LeaseID, Listing, Put, Revision, Transaction
from sidecar.ports import Store


def done(reason: str = "removed fed-3 (http://localhost:9002)") -> Outcome:
    return Outcome(OutcomeKind.DONE, reason, 6, 1.0)


class FlakyStore:
    """A store whose watches break, and whose next commits can do something first."""

    def __init__(self, store: Store, *, breaks: int = 0, answers_late: bool = False) -> None:
        self._store = store
        self._breaks = breaks
        self._answers_late = answers_late

    async def read(self, *ranges: Range) -> Listing:
        return await self._store.read(*ranges)

    async def commit(self, transaction: Transaction) -> Revision | None:
        withdrawal = len(transaction.compares) == 1 and not isinstance(transaction.operations[0], Put)
        if self._answers_late and withdrawal:
            key = transaction.operations[0].key
            answered = Request(RequestKind.REMOVE, "fed-3", "ann", 1.0, "x", outcome=done())
            await self._store.commit(Transaction((), (Put(key, encode(answered)),)))
        return await self._store.commit(transaction)

    def watch(self, *ranges: Range, after: Revision) -> AbstractAsyncContextManager[AsyncIterator[Batch]]:
        if self._breaks:
            self._breaks -= 1
            return self._broken()
        return self._store.watch(*ranges, after=after)

    @asynccontextmanager
    async def _broken(self) -> AsyncIterator[AsyncIterator[Batch]]:
        raise StoreUnavailable("the revision was compacted")
        yield  # type: ignore[unreachable]  # makes it a generator

    async def grant_lease(self, ttl: float) -> LeaseID:
        return await self._store.grant_lease(ttl)

    async def keep_alive(self, lease: LeaseID) -> float:
        return await self._store.keep_alive(lease)

    async def revoke_lease(self, lease: LeaseID) -> None:
        await self._store.revoke_lease(lease)
