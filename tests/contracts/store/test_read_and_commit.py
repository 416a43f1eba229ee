"""What every store does: reading and committing."""

from __future__ import annotations

import anyio
import pytest

from sidecar.domain.errors import StoreRefused
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import (
    Compare,
    Delete,
    Entry,
    Operation,
    Put,
    Revision,
    Target,
    Transaction,
)
from tests.contracts.store.backends import StoreBackend

pytestmark = pytest.mark.anyio

NEVER = Revision(0)


def only_writing(*operations: Operation) -> Transaction:
    return Transaction((), operations)


def creating(key: str, value: bytes) -> Transaction:
    return Transaction((Compare(key, Target.CREATED, NEVER),), (Put(key, value),))


async def test_an_empty_range_is_listed_as_empty(backend: StoreBackend) -> None:
    async with backend.client() as store:
        listing = await store.read(Range.prefix(backend.root))
    assert listing.entries == {}
    assert listing.revision > 0


async def test_several_ranges_are_read_at_one_revision(backend: StoreBackend) -> None:
    root = backend.root
    async with backend.client() as store:
        await store.commit(only_writing(Put(f"{root}a/1", b"1"), Put(f"{root}b/1", b"2")))
        revision = await store.commit(only_writing(Put(f"{root}c", b"3"), Put(f"{root}d", b"4")))
        listing = await store.read(Range.prefix(f"{root}a/"), Range(f"{root}c"))
    assert {key: entry.value for key, entry in listing.entries.items()} == {
        f"{root}a/1": b"1",
        f"{root}c": b"3",
    }
    assert listing.revision >= (revision or 0)


async def test_a_listing_never_shows_half_a_transaction(backend: StoreBackend) -> None:
    left, right = f"{backend.root}left/x", f"{backend.root}right/x"

    async def write() -> None:
        async with backend.client() as writer:
            for number in range(50):
                value = str(number).encode()
                await writer.commit(only_writing(Put(left, value), Put(right, value)))
        tasks.cancel_scope.cancel()

    async with backend.client() as reader, anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        while True:
            entries = (await reader.read(Range(left), Range(right))).entries
            if entries:
                assert entries[left].value == entries[right].value
                assert entries[left].mod_revision == entries[right].mod_revision


async def test_reading_a_key_excludes_keys_with_its_prefix(backend: StoreBackend) -> None:
    key = f"{backend.root}fed-1"
    async with backend.client() as store:
        await store.commit(only_writing(Put(key, b"one"), Put(f"{key}0", b"ten"), Put(f"{key}/x", b"x")))
        assert list((await store.read(Range(key))).entries) == [key]


async def test_an_entry_carries_its_create_and_mod_revisions(backend: StoreBackend) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        created = await store.commit(only_writing(Put(key, b"first")))
        modified = await store.commit(only_writing(Put(key, b"second")))
        assert created is not None
        assert modified is not None
        assert modified > created
        entries = (await store.read(Range(key))).entries
    assert entries == {key: Entry(key, b"second", created, modified)}


async def test_a_key_is_created_once_however_many_try(backend: StoreBackend) -> None:
    key, won = f"{backend.root}key", []

    async def create(value: bytes) -> None:
        async with backend.client() as store:
            if await store.commit(creating(key, value)) is not None:
                won.append(value)

    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(create, str(number).encode())
    async with backend.client() as store:
        entries = (await store.read(Range(key))).entries
    assert won == [entries[key].value]


async def test_a_transaction_whose_compare_fails_writes_nothing(backend: StoreBackend) -> None:
    fence, key = f"{backend.root}fence", f"{backend.root}key"
    async with backend.client() as store:
        fenced = await store.commit(only_writing(Put(fence, b"")))
        assert fenced is not None
        holds = Compare(fence, Target.CREATED, fenced)
        fails = Compare(fence, Target.MODIFIED, Revision(fenced + 1))
        assert await store.commit(Transaction((holds, fails), (Put(key, b"x"), Delete(fence)))) is None
        assert list((await store.read(Range.prefix(backend.root))).entries) == [fence]
        assert await store.commit(Transaction((holds,), (Put(key, b"x"), Delete(fence)))) is not None
        assert list((await store.read(Range.prefix(backend.root))).entries) == [key]


async def test_a_later_write_fails_the_mod_revision_compare(backend: StoreBackend) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        seen = await store.commit(only_writing(Put(key, b"seen")))
        assert seen is not None
        await store.commit(only_writing(Put(key, b"overtaken")))
        late = Transaction((Compare(key, Target.MODIFIED, seen),), (Put(key, b"late"),))
        assert await store.commit(late) is None


async def test_a_key_that_is_gone_compares_as_zero(backend: StoreBackend) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        await store.commit(only_writing(Put(key, b"x")))
        assert await store.commit(creating(key, b"y")) is None
        await store.commit(only_writing(Delete(key)))
        assert await store.commit(creating(key, b"y")) is not None


async def test_puts_and_deletes_of_a_transaction_share_one_revision(backend: StoreBackend) -> None:
    root = backend.root
    async with backend.client() as store:
        await store.commit(
            only_writing(*(Put(f"{root}old/{n}", b"") for n in range(3)), Put(f"{root}x", b""))
        )
        old = Range.prefix(f"{root}old/")
        revision = await store.commit(
            only_writing(
                Delete(old.start, old.end), Delete(f"{root}x"), Put(f"{root}y", b""), Put(f"{root}z", b"")
            )
        )
        entries = (await store.read(Range.prefix(root))).entries
    assert {key: entry.mod_revision for key, entry in entries.items()} == {
        f"{root}y": revision,
        f"{root}z": revision,
    }


async def test_deleting_a_missing_key_makes_no_revision(backend: StoreBackend) -> None:
    async with backend.client() as store:
        before = await store.commit(only_writing(Put(f"{backend.root}key", b"")))
        assert await store.commit(only_writing(Delete(f"{backend.root}nothing"))) == before


@pytest.mark.parametrize("value", [b"", bytes(range(256)), "ñandú 🦤\u2028\n".encode(), b"\x00" * 10])
async def test_any_bytes_come_back_as_they_went(backend: StoreBackend, value: bytes) -> None:
    key = f"{backend.root}niño/🦤"
    async with backend.client() as store:
        await store.commit(only_writing(Put(key, value)))
        entries = (await store.read(Range.prefix(backend.root))).entries
    assert {each: entry.value for each, entry in entries.items()} == {key: value}


async def test_a_value_of_a_megabyte_comes_back_whole(backend: StoreBackend) -> None:
    key, value = f"{backend.root}large", bytes(range(256)) * 4096
    async with backend.client() as store:
        await store.commit(only_writing(Put(key, value)))
        assert (await store.read(Range(key))).entries[key].value == value


@pytest.mark.parametrize("size", [1_700_000, 5_000_000])
async def test_a_value_that_is_too_large_is_refused(backend: StoreBackend, size: int) -> None:
    async with backend.client() as store:
        with pytest.raises(StoreRefused, match="large"):
            await store.commit(only_writing(Put(f"{backend.root}large", b"x" * size)))


async def test_a_transaction_that_writes_a_key_twice_is_refused(backend: StoreBackend) -> None:
    key = f"{backend.root}key"
    async with backend.client() as store:
        for second in (Put(key, b"2"), Delete(key)):
            with pytest.raises(StoreRefused, match="duplicate key"):
                await store.commit(only_writing(Put(key, b"1"), second))


async def test_a_transaction_of_more_than_128_operations_is_refused(backend: StoreBackend) -> None:
    puts = [Put(f"{backend.root}{number}", b"") for number in range(129)]
    async with backend.client() as store:
        with pytest.raises(StoreRefused, match="too many operations"):
            await store.commit(only_writing(*puts))
        assert await store.commit(only_writing(*puts[:128])) is not None
