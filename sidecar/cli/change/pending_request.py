"""One request to the leader, from submission to result."""

from __future__ import annotations

import anyio

from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.encoding import decode, encode
from sidecar.domain.records.keys import Range
from sidecar.domain.records.requests import Outcome, Request
from sidecar.domain.records.store import NO_REVISION, Compare, Delete, Put, Revision, Target, Transaction
from sidecar.ports import Store

WITHDRAW_TIMEOUT = 3.0  # seconds for cancelling a request
RETRY_INTERVAL = 0.5  # seconds until a broken watch is retried


class PendingRequest:
    """A request under ``key``, which is cancelled if it is not handled in time."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._written = NO_REVISION

    async def submit(self, request: Request) -> None:
        """Write the request."""
        put = Put(self._key, encode(request))
        revision = await self._store.commit(Transaction((Compare.absent(self._key),), (put,)))
        if revision is None:
            raise StoreUnavailable(f"another request has the name {self._key}; try again")
        self._written = revision

    async def wait(self, max_wait: float) -> Outcome | None:
        """Wait for the outcome, then delete the request.

        None: there was none within ``max_wait`` seconds, and the request is cancelled. It is also cancelled
        if the wait is (Ctrl-C): a request without a waiting operator must not take effect hours later.
        """
        outcome = None
        try:
            with anyio.move_on_after(max_wait):
                outcome = await self._wait_for_outcome()
        finally:
            outcome = await self._withdraw(outcome)
        return outcome

    async def _wait_for_outcome(self) -> Outcome:
        revision = self._written
        while True:
            try:
                async with self._store.watch(Range(self._key), after=revision) as batches:
                    async for batch in batches:
                        revision = batch.revision
                        entry = batch.changes.get(self._key)
                        outcome = self._outcome_in(entry.value) if entry else None
                        if outcome:
                            return outcome
            except StoreUnavailable:
                await anyio.sleep(RETRY_INTERVAL)
            # The stream may have ended because its revision was compacted: read the record.
            try:
                outcome, revision = await self._read_outcome()
            except StoreUnavailable:
                continue
            if outcome:
                return outcome

    async def _read_outcome(self) -> tuple[Outcome | None, Revision]:
        listing = await self._store.read(Range(self._key))
        entry = listing.entries.get(self._key)
        return (self._outcome_in(entry.value) if entry else None), listing.revision

    def _outcome_in(self, value: bytes) -> Outcome | None:
        return decode(Request, value, self._key).outcome

    async def _withdraw(self, outcome: Outcome | None) -> Outcome | None:
        """Delete the request; return its outcome, if the leader was faster."""
        untouched = Compare(self._key, Target.MODIFIED, self._written)
        try:
            with anyio.fail_after(WITHDRAW_TIMEOUT, shield=True):
                if outcome is None:
                    withdrawal = Transaction((untouched,), (Delete(self._key),))
                    if await self._store.commit(withdrawal) is not None:
                        return None
                    outcome, _ = await self._read_outcome()
                await self._store.commit(Transaction((), (Delete(self._key),)))
        except (StoreUnavailable, TimeoutError) as exc:
            # The leader deletes a handled request later.
            if outcome is None:
                raise StoreUnavailable(
                    f"the request could not be cancelled and may still take effect ({exc})"
                ) from exc
        return outcome
