"""What every store does when its servers go away and come back."""

from __future__ import annotations

import anyio
import pytest

from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Listing, Put, Transaction
from sidecar.ports import Store
from tests.contracts.store.backends import StoreBackend
from tests.contracts.store.follow import DEADLINE, follow, values, write

pytestmark = pytest.mark.anyio


async def read_when_back(store: Store, *ranges: Range) -> Listing:
    """Read as a loop does: again and again, until it works."""
    with anyio.fail_after(DEADLINE):
        while True:
            try:
                return await store.read(*ranges)
            except StoreUnavailable:
                await anyio.sleep(0.01)


async def test_a_watch_ends_when_the_store_goes_away(own_backend: StoreBackend) -> None:
    everything = Range.prefix(own_backend.root)
    async with own_backend.client() as store:
        listing = await store.read(everything)
        async with store.watch(everything, after=listing.revision) as batches:
            await own_backend.stop()
            with anyio.fail_after(DEADLINE), pytest.raises(StoreUnavailable, match="watch"):
                await anext(batches)
        with pytest.raises(StoreUnavailable):
            await store.read(everything)
        with pytest.raises(StoreUnavailable):
            async with store.watch(everything, after=listing.revision):
                pass


async def test_a_client_works_again_when_the_store_is_back(own_backend: StoreBackend) -> None:
    key, everything = f"{own_backend.root}key", Range.prefix(own_backend.root)
    async with own_backend.client() as store:
        lease = await store.grant_lease(20)
        await write(store, Put(key, b"before", lease))
        await own_backend.stop()
        with pytest.raises(StoreUnavailable):
            await write(store, Put(key, b"meanwhile", lease))
        await own_backend.start()
        listing = await read_when_back(store, everything)
        assert values(listing) == {key: b"before"}
        assert await store.keep_alive(lease) > 0
        async with store.watch(everything, after=listing.revision) as batches:
            await write(store, Put(key, b"after", lease))
            await follow(batches, listing, lambda now: values(now) == {key: b"after"})


async def test_a_restart_that_no_call_noticed_is_no_error(own_backend: StoreBackend) -> None:
    async with own_backend.client() as store:
        await write(store, Put(f"{own_backend.root}key", b"x"))
        await own_backend.stop()
        await own_backend.start()
        assert await store.commit(Transaction((), (Put(f"{own_backend.root}key", b"y"),))) is not None
        assert values(await store.read(Range.prefix(own_backend.root)))
