"""The store in memory, where it is more than a store: virtual time, and faults on demand."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest
import trio.testing

from sidecar.domain.errors import LeaseLost, StoreUnavailable
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Compare, Put, Revision, Target, Transaction
from tests.fakes.memory_store import MemoryStore, new_cluster

pytestmark = pytest.mark.anyio

KEY = "/key"
WRITE = Transaction((), (Put(KEY, b"x"),))
START = Revision(1)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


async def test_an_hour_of_leases_passes_in_no_time() -> None:
    started, cluster = time.monotonic(), new_cluster()
    store = MemoryStore(cluster)
    lease, forgotten = await store.grant_lease(10), await store.grant_lease(10)
    await store.commit(Transaction((), (Put("/kept", b"", lease), Put("/forgotten", b"", forgotten))))
    for _ in range(3600 // 5):
        await anyio.sleep(5)
        assert await store.keep_alive(lease) == 10
    assert list((await store.read(Range.prefix("/"))).entries) == ["/kept"]
    assert time.monotonic() - started < 10


async def test_a_watch_reports_an_expiry_when_it_happens() -> None:
    store = MemoryStore(new_cluster())
    lease = await store.grant_lease(10)
    written = await store.commit(Transaction((), (Put(KEY, b"", lease),)))
    assert written is not None
    started = anyio.current_time()
    async with store.watch(Range(KEY), after=written) as batches:
        assert (await anext(batches)).changes == {KEY: None}
    assert anyio.current_time() - started == pytest.approx(10)
    with pytest.raises(LeaseLost):
        await store.keep_alive(lease)


async def test_a_disconnected_client_fails_alone() -> None:
    cluster = new_cluster()
    here, there = MemoryStore(cluster), MemoryStore(cluster)
    async with here.watch(Range(KEY), after=START) as batches:
        here.disconnect()
        with pytest.raises(StoreUnavailable):
            await here.read(Range(KEY))
        assert await there.commit(WRITE) is not None
        here.reconnect()
        with pytest.raises(StoreUnavailable, match="ended"):
            await anext(batches)
    assert (await here.read(Range(KEY))).entries


async def test_a_frozen_watch_holds_back_what_it_will_deliver() -> None:
    store = MemoryStore(new_cluster())
    async with store.watch(Range(KEY), after=START) as batches:
        store.freeze_watches()
        await store.commit(WRITE)
        with anyio.move_on_after(3600) as waiting:
            await anext(batches)
        assert waiting.cancelled_caught
        store.thaw_watches()
        assert KEY in (await anext(batches)).changes


async def test_watches_can_be_ended_while_calls_work() -> None:
    store = MemoryStore(new_cluster())
    async with store.watch(Range(KEY), after=START) as batches:
        store.end_watches()
        with pytest.raises(StoreUnavailable):
            await anext(batches)
    await store.commit(WRITE)


async def test_a_lost_request_has_no_effect_and_a_lost_answer_has() -> None:
    store = MemoryStore(new_cluster())
    store.lose_requests()
    with pytest.raises(StoreUnavailable):
        await store.commit(WRITE)
    assert not (await store.read(Range(KEY))).entries
    store.lose_answers()
    with pytest.raises(StoreUnavailable):
        await store.commit(WRITE)
    assert (await store.read(Range(KEY))).entries


async def test_calls_interleave_when_they_take_time() -> None:
    cluster = new_cluster()
    slow, quick = MemoryStore(cluster, delay=lambda: 1.0), MemoryStore(cluster)
    outcomes: dict[str, Revision | None] = {}

    async def create(name: str, store: MemoryStore) -> None:
        creation = Transaction((Compare(KEY, Target.CREATED, Revision(0)),), (Put(KEY, b""),))
        outcomes[name] = await store.commit(creation)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(create, "slow", slow)
        tasks.start_soon(create, "quick", quick)
    assert outcomes == {"slow": None, "quick": 2}
    assert (slow.calls, quick.calls) == (1, 1)


async def test_a_transaction_over_two_ranges_arrives_in_two_batches() -> None:
    store = MemoryStore(new_cluster())
    await store.commit(Transaction((), (Put("/a", b""), Put("/b", b""))))
    async with store.watch(Range("/a"), Range("/b"), after=START) as batches:
        assert [list((await anext(batches)).changes) for _ in range(2)] == [["/a"], ["/b"]]
