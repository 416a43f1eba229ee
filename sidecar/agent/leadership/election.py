"""The election: the candidate with the lowest create revision leads."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.agent.backoff import back_off
from sidecar.domain.errors import LeaseLost, StoreUnavailable
from sidecar.domain.network.transaction import Term
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.membership import Candidate
from sidecar.domain.records.store import Compare, Delete, Entry, LeaseID, Put, Revision, Transaction
from sidecar.ports import Store


@dataclass(frozen=True, slots=True)
class Candidacy:
    """One candidacy, under one lease."""

    store: Store
    keys: Keys
    lease: LeaseID
    candidate: Candidate

    @property
    def key(self) -> str:
        return self.keys.candidate(self.lease)

    async def campaign(self) -> Term:
        """Register, and return once elected. Raises `LeaseLost` when the candidacy vanishes.

        Each candidate watches only the one before it, so the end of a leader wakes one candidate, not all.
        """
        await self._register()
        while True:
            listing = await self.store.read(self.keys.candidate_range())
            queue = sorted(listing.entries.values(), key=lambda entry: entry.create_revision)
            place = next((i for i, entry in enumerate(queue) if entry.key == self.key), None)
            if place is None:
                raise LeaseLost(f"the candidacy of {self.candidate.node_id} has expired")
            if place == 0:
                return Term(self.candidate.node_id, self.key, queue[0].create_revision)
            await self._wait_until_deleted(queue[place - 1], listing.revision)

    async def is_current(self, term: Term) -> bool:
        """Ask etcd whether ``term`` still holds."""
        found = (await self.store.read(Range(term.key))).entries.get(term.key)
        return found is not None and found.create_revision == term.create_revision

    async def resign(self) -> None:
        """Withdraw; the next candidate leads at once."""
        await self.store.commit(Transaction((), (Delete(self.key),)))

    async def _register(self) -> None:
        put = Put(self.key, encode(self.candidate), self.lease)
        await self.store.commit(Transaction((Compare.absent(self.key),), (put,)))

    async def _wait_until_deleted(self, predecessor: Entry, after: Revision) -> None:
        """Return when ``predecessor`` is deleted, or when the watch cannot show that any more."""
        try:
            async with self.store.watch(Range(predecessor.key), after=after) as batches:
                async for batch in batches:
                    if predecessor.key in batch.changes and batch.changes[predecessor.key] is None:
                        return
        except StoreUnavailable:
            # The caller reads the queue again, which raises in an outage; otherwise only watches fail.
            await back_off(1)
