"""What every store does: watches."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Batch, Delete, Put, Revision
from sidecar.ports import Store
from tests.contracts.store.backends import StoreBackend
from tests.contracts.store.follow import DEADLINE, follow, values, write

pytestmark = pytest.mark.anyio


async def test_a_watch_shows_what_changes_after_it_began(backend: StoreBackend) -> None:
    key, everything = f"{backend.root}key", Range.prefix(backend.root)
    async with backend.client() as store:
        listing = await store.read(everything)
        async with store.watch(everything, after=listing.revision) as batches:
            revision = await write(store, Put(key, b"new"))
            listing = await follow(batches, listing, lambda now: key in now.entries)
            assert listing == await store.read(everything)
            assert listing.revision == revision
            await write(store, Delete(key))
            listing = await follow(batches, listing, lambda now: key not in now.entries)


async def test_a_watch_begins_with_what_changed_since_its_revision(backend: StoreBackend) -> None:
    everything = Range.prefix(backend.root)
    async with backend.client() as store:
        listing = await store.read(everything)
        for number in range(5):
            await write(store, Put(f"{backend.root}{number}", b""))
        await write(store, Delete(f"{backend.root}2"))
        wanted = await store.read(everything)
        async with store.watch(everything, after=listing.revision) as batches:
            assert await follow(batches, listing, lambda now: now == wanted) == wanted


async def test_a_watch_does_not_repeat_the_revision_it_begins_after(backend: StoreBackend) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        seen = await write(store, Put(key, b"seen"))
        async with store.watch(Range(key), after=seen) as batches:
            await write(store, Put(key, b"next"))
            with anyio.fail_after(DEADLINE):
                batch = await anext(batches)
    entry = batch.changes[key]
    assert entry is not None
    assert entry.value == b"next"


async def test_many_streams_over_many_ranges_open_at_once_each_whole(backend: StoreBackend) -> None:
    root = backend.root
    ranges = tuple(Range.prefix(f"{root}{number:02}/") for number in range(12))

    async def open_and_see_all(store: Store) -> None:
        listing = await store.read(*ranges)
        async with store.watch(*ranges, after=listing.revision) as batches:
            seen = await write(store, *(Put(f"{root}{number:02}/key", b"x") for number in range(12)))
            await follow(
                batches,
                listing,
                lambda now: len([e for e in now.entries.values() if e.mod_revision >= seen]) == len(ranges),
            )

    async with backend.client() as store, anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(open_and_see_all, store)


async def test_one_watch_covers_several_ranges_and_nothing_else(backend: StoreBackend) -> None:
    root = backend.root
    ranges = (Range.prefix(f"{root}shared/"), Range.prefix(f"{root}node/a/"), Range(f"{root}one"))
    async with backend.client() as store:
        listing = await store.read(*ranges)
        async with store.watch(*ranges, after=listing.revision) as batches:
            for name in ("shared/x", "node/a/x", "node/b/x", "node/ax", "one", "one/more", "shared"):
                await write(store, Put(f"{root}{name}", b""))
            await write(store, Put(f"{root}shared/end", b""))
            listing = await follow(batches, listing, lambda now: len(now.entries) >= 4)
            assert set(listing.entries) == {
                f"{root}{name}" for name in ("shared/x", "node/a/x", "one", "shared/end")
            }


async def test_ranges_that_overlap_are_watched_as_one(backend: StoreBackend) -> None:
    root = backend.root
    ranges = (Range.prefix(root), Range.prefix(f"{root}a/"), Range(f"{root}a/1"))
    async with backend.client() as store:
        listing = await store.read(*ranges)
        async with store.watch(*ranges, after=listing.revision) as batches:
            for value in (b"1", b"2", b"3"):
                await write(store, Put(f"{root}a/1", value))
            listing = await follow(batches, listing, lambda now: values(now) == {f"{root}a/1": b"3"})


async def test_a_transaction_over_two_ranges_arrives_whole_in_the_end(backend: StoreBackend) -> None:
    left, right = Range.prefix(f"{backend.root}left/"), Range.prefix(f"{backend.root}right/")
    async with backend.client() as store:
        listing = await store.read(left, right)
        async with store.watch(left, right, after=listing.revision) as batches:
            for number in range(20):
                value = str(number).encode()
                await write(store, Put(f"{left.start}x", value), Put(f"{right.start}x", value))
            wanted = await store.read(left, right)
            assert await follow(batches, listing, lambda now: now == wanted) == wanted


async def test_revisions_of_batches_never_go_back(backend: StoreBackend) -> None:
    everything = Range.prefix(backend.root)
    async with backend.client() as store:
        listing = await store.read(everything)
        async with store.watch(everything, after=listing.revision) as batches:
            for number in range(50):
                await write(store, Put(f"{backend.root}{number % 7}", str(number).encode()))
            wanted, revisions = await store.read(everything), [listing.revision]
            with anyio.fail_after(DEADLINE):
                while listing != wanted:
                    listing = listing.applying(await anext(batches))
                    revisions.append(listing.revision)
    assert revisions == sorted(revisions)


async def test_thousands_of_missed_events_all_arrive(backend: StoreBackend) -> None:
    everything = Range.prefix(backend.root)
    async with backend.client() as store:
        listing = await store.read(everything)
        # etcd hands on at most 1000 revisions at a time to a watch that catches up.
        for number in range(25):
            puts = [Put(f"{backend.root}{number}/{each}", str(number).encode()) for each in range(100)]
            await write(store, *puts)
        for number in range(1100):
            await write(store, Put(f"{backend.root}counter", str(number).encode()))
        wanted = await store.read(everything)
        async with store.watch(everything, after=listing.revision) as batches:
            assert await follow(batches, listing, lambda now: now == wanted) == wanted


async def test_large_values_arrive_whole_even_when_they_were_missed(backend: StoreBackend) -> None:
    everything, value = Range.prefix(backend.root), bytes(range(256)) * 5000
    async with backend.client() as store:
        listing = await store.read(everything)
        for number in range(6):
            await write(store, Put(f"{backend.root}{number}", value))
        async with store.watch(everything, after=listing.revision) as batches:
            listing = await follow(batches, listing, lambda now: len(now.entries) == 6)
            assert set(values(listing).values()) == {value}
            await write(store, Put(f"{backend.root}live", value))
            listing = await follow(batches, listing, lambda now: len(now.entries) == 7)
            assert set(values(listing).values()) == {value}


async def test_several_watches_of_one_client_each_get_everything(backend: StoreBackend) -> None:
    everything = Range.prefix(backend.root)
    async with backend.client() as store:
        listing = await store.read(everything)
        done = 0

        async def watch(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            nonlocal done
            async with store.watch(everything, after=listing.revision) as batches:
                task_status.started()
                await follow(batches, listing, lambda now: len(now.entries) == 10)
            done += 1

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                await tasks.start(watch)
            for number in range(10):
                await write(store, Put(f"{backend.root}{number}", b""))
    assert done == 4


async def test_a_watch_from_a_compacted_revision_ends(
    backend: StoreBackend,
) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        old = await write(store, Put(key, b"0"))
        revisions = [await write(store, Put(key, str(number).encode())) for number in range(1, 6)]
        await backend.compact(revisions[-1])
        with pytest.raises(StoreUnavailable, match="compacted"):
            await _first(store, key, after=old)
        listing = await store.read(Range(key))
        async with store.watch(Range(key), after=listing.revision) as batches:
            await write(store, Put(key, b"last"))
            await follow(batches, listing, lambda now: values(now) == {key: b"last"})


async def _first(store: Store, key: str, after: Revision) -> Batch:
    async with store.watch(Range(key), after=after) as batches:
        with anyio.fail_after(DEADLINE):
            return await anext(batches)


async def test_a_watch_sees_keys_deleted_with_their_lease(backend: StoreBackend) -> None:
    keys: Sequence[str] = [f"{backend.root}a", f"{backend.root}b"]
    everything = Range.prefix(backend.root)
    async with backend.client() as store:
        lease = await store.grant_lease(1)
        await write(store, *(Put(key, b"", lease) for key in keys))
        listing = await store.read(everything)
        async with store.watch(everything, after=listing.revision) as batches:
            await follow(batches, listing, lambda now: not now.entries)
