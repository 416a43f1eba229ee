"""Following a store as a loop does: read once, then apply batch after batch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import anyio

from sidecar.domain.records.store import Batch, Listing, Operation, Revision, Transaction
from sidecar.ports import Store

DEADLINE = 20.0


async def write(store: Store, *operations: Operation) -> Revision:
    revision = await store.commit(Transaction((), operations))
    assert revision is not None
    return revision


async def follow(
    batches: AsyncIterator[Batch], listing: Listing, until: Callable[[Listing], bool]
) -> Listing:
    """``listing`` with batch after batch applied, once ``until`` holds."""
    with anyio.fail_after(DEADLINE):
        while not until(listing):
            listing = listing.applying(await anext(batches))
    return listing


def values(listing: Listing) -> dict[str, bytes]:
    return {key: entry.value for key, entry in listing.entries.items()}
