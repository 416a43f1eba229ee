"""What every store does: leases."""

from __future__ import annotations

import anyio
import pytest

from sidecar.domain.errors import LeaseLost
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import LeaseID, Put, Transaction
from sidecar.ports import Store
from tests.contracts.store.backends import StoreBackend

pytestmark = pytest.mark.anyio

SHORT = 3.0
"""Seconds of a lease that a test waits out: several times what a busy machine may be late to renew it."""

DEADLINE = 40.0


async def put(store: Store, key: str, lease: LeaseID) -> None:
    await store.commit(Transaction((), (Put(key, b"", lease),)))


async def wait_until_gone(store: Store, key: str) -> float:
    """The seconds until ``key`` was deleted."""
    started = anyio.current_time()
    listing = await store.read(Range(key))
    if key not in listing.entries:
        return 0.0
    with anyio.fail_after(DEADLINE):
        async with store.watch(Range(key), after=listing.revision) as batches:
            async for batch in batches:
                if batch.changes[key] is None:
                    break
    return anyio.current_time() - started


async def test_a_key_under_a_lease_names_it(backend: StoreBackend) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        lease = await store.grant_lease(30)
        await put(store, key, lease)
        assert (await store.read(Range(key))).entries[key].lease == lease
        await store.revoke_lease(lease)


async def test_revoking_a_lease_deletes_its_keys_at_once(backend: StoreBackend) -> None:
    async with backend.client() as store:
        lease, other = await store.grant_lease(30), await store.grant_lease(30)
        for name in ("a", "b"):
            await put(store, f"{backend.root}{name}", lease)
        await put(store, f"{backend.root}c", other)
        await store.revoke_lease(lease)
        assert list((await store.read(Range.prefix(backend.root))).entries) == [f"{backend.root}c"]
        await store.revoke_lease(other)


async def test_revoking_a_lease_that_is_gone_is_no_error(backend: StoreBackend) -> None:
    async with backend.client() as store:
        lease = await store.grant_lease(30)
        await store.revoke_lease(lease)
        await store.revoke_lease(lease)


async def test_a_key_put_without_its_lease_outlives_it(backend: StoreBackend) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        lease = await store.grant_lease(30)
        await put(store, key, lease)
        await put(store, key, LeaseID(0))
        await store.revoke_lease(lease)
        assert key in (await store.read(Range(key))).entries


async def test_a_lease_not_kept_alive_expires_with_its_keys(backend: StoreBackend) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        lease = await store.grant_lease(SHORT)
        await put(store, key, lease)
        await wait_until_gone(store, key)
        with pytest.raises(LeaseLost):
            await store.keep_alive(lease)


async def test_a_lease_lasts_while_it_is_kept_alive(backend: StoreBackend) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        lease = await store.grant_lease(SHORT)
        await put(store, key, lease)
        async with anyio.create_task_group() as tasks:

            async def keep_alive() -> None:
                for _ in range(10):
                    assert await store.keep_alive(lease) == pytest.approx(SHORT)
                    await anyio.sleep(SHORT / 4)

            tasks.start_soon(keep_alive)
            # Two lifetimes and more of keeping it alive; then it ends.
            assert await wait_until_gone(store, key) > 2 * SHORT


async def test_keeping_a_revoked_lease_alive_raises_lease_lost(backend: StoreBackend) -> None:
    async with backend.client() as store:
        lease = await store.grant_lease(30)
        await store.revoke_lease(lease)
        with pytest.raises(LeaseLost, match="expired or was revoked"):
            await store.keep_alive(lease)


async def test_a_commit_under_a_lost_lease_writes_nothing(backend: StoreBackend) -> None:
    async with backend.client() as store:
        lease = await store.grant_lease(30)
        await store.revoke_lease(lease)
        with pytest.raises(LeaseLost, match="expired or was revoked"):
            await put(store, f"{backend.root}key", lease)
        assert not (await store.read(Range.prefix(backend.root))).entries


async def test_the_ttl_is_rounded_up_to_whole_seconds(backend: StoreBackend) -> None:
    async with backend.client() as store:
        lease = await store.grant_lease(4.2)
        assert 4.2 <= await store.keep_alive(lease) <= 5
        await store.revoke_lease(lease)
