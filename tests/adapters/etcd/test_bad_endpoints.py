"""Endpoints that are dead, hang, fail or lie, beside one that is a real etcd."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing

import anyio
import pytest

from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import LeaseID, Put, Revision, Transaction
from tests.adapters.etcd.faulty_servers import (
    Call,
    always,
    black_hole,
    never,
    passing_on,
    relaying,
    response,
    serving,
    trickling,
)
from tests.kit.etcd.servers import EtcdServer
from tests.kit.ports import PortPool

pytestmark = pytest.mark.anyio

TIMEOUT = 5.0
KEY = "/bad-endpoints/key"
WRITE = Transaction((), (Put(KEY, b"x"),))
_UNAVAILABLE = '{"error": "etcdserver: no leader", "message": "etcdserver: no leader", "code": 14}'
_FAILED_STREAM = '{"error": {"grpc_code": 14, "http_code": 503, "message": "etcdserver: no leader"}}\n'
_ANSWERS = {
    "no leader": always("503 Service Unavailable", _UNAVAILABLE),
    "no leader, of a proxy's": always("500 Oops", _UNAVAILABLE),
    "a proxy's page": always("502 Bad Gateway", "<html>Bad Gateway</html>"),
    "another server": always("404 Not Found", "404 page not found"),
    "a page, cheerfully": always("200 OK", "<html>Welcome</html>"),
    "a list, cheerfully": always("200 OK", "[]\n"),
    "an object, cheerfully": always("200 OK", "{}\n"),
    "a stream's error, late": always("200 OK", _FAILED_STREAM),
    "a stream's error, at once": always("503 Service Unavailable", _FAILED_STREAM),
    "a redirect": always("307 Temporary Redirect", ""),
    "silence": never,
}


@asynccontextmanager
async def bad_endpoint(kind: str) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        match kind:
            case "dead":
                yield f"http://127.0.0.1:{stack.enter_context(closing(PortPool())).take()}"
            case "black hole":
                yield stack.enter_context(black_hole())
            case "trickle":
                yield await stack.enter_async_context(trickling(0.05))
            case _:
                yield await stack.enter_async_context(serving(_ANSWERS[kind]))


KINDS = ["dead", "black hole", "trickle", *_ANSWERS]


@pytest.mark.parametrize("kind", KINDS)
async def test_calls_move_to_the_next_endpoint(kind: str, shared_etcd: EtcdServer) -> None:
    async with bad_endpoint(kind) as bad:
        settings = EtcdSettings((bad, shared_etcd.url), call_timeout=TIMEOUT)
        async with EtcdStore(settings) as store:
            with anyio.fail_after(2 * TIMEOUT):
                listing = await store.read(Range(KEY))
            with anyio.fail_after(TIMEOUT / 2):  # it is not tried again
                await store.commit(WRITE)
                async with store.watch(Range(KEY), after=listing.revision) as batches:
                    assert KEY in (await anext(batches)).changes


@pytest.mark.parametrize("kind", KINDS)
async def test_a_watch_opens_on_the_next_endpoint(kind: str, shared_etcd: EtcdServer) -> None:
    async with shared_etcd.store() as good:
        revision = (await good.read(Range(KEY))).revision
        await good.commit(WRITE)
    async with bad_endpoint(kind) as bad:
        settings = EtcdSettings((bad, shared_etcd.url), call_timeout=TIMEOUT)
        async with EtcdStore(settings) as store:
            with anyio.fail_after(2 * TIMEOUT):
                async with store.watch(Range(KEY), after=revision) as batches:
                    assert KEY in (await anext(batches)).changes


@pytest.mark.parametrize("kind", KINDS)
async def test_without_another_endpoint_every_call_fails_within_its_deadline(kind: str) -> None:
    async with bad_endpoint(kind) as bad:
        settings = EtcdSettings((bad,), call_timeout=TIMEOUT)
        async with EtcdStore(settings) as store:
            with anyio.fail_after(6 * TIMEOUT):
                with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1"):
                    await store.read(Range(KEY))
                with pytest.raises(StoreUnavailable):
                    await store.commit(WRITE)
                with pytest.raises(StoreUnavailable):
                    await store.keep_alive(LeaseID(7))
                with pytest.raises(StoreUnavailable):
                    async with store.watch(Range(KEY), after=Revision(1)):
                        pass


@pytest.mark.parametrize("kind", ["dead", "black hole"])
async def test_an_unsent_commit_moves_to_the_next_endpoint(kind: str, shared_etcd: EtcdServer) -> None:
    async with bad_endpoint(kind) as bad:
        settings = EtcdSettings((bad, shared_etcd.url), call_timeout=TIMEOUT)
        async with EtcdStore(settings) as store:
            assert await store.commit(WRITE) is not None


async def test_a_commit_without_an_answer_is_not_repeated(shared_etcd: EtcdServer) -> None:
    ask_etcd, seen = passing_on(shared_etcd.port), 0

    async def swallow(call: Call) -> None:
        nonlocal seen
        seen += 1
        await ask_etcd(call)

    async with serving(swallow) as lossy:
        settings = EtcdSettings((lossy, shared_etcd.url), call_timeout=TIMEOUT)
        async with EtcdStore(settings) as store:
            async with shared_etcd.store() as good:
                before = (await good.read(Range(KEY))).revision
            with pytest.raises(StoreUnavailable, match="whether it was done is not known"):
                await store.commit(WRITE)
            assert seen == 1
            # It was done, once; and the next call goes to the other endpoint.
            assert (await store.read(Range(KEY))).entries[KEY].mod_revision == before + 1


async def test_a_connection_closed_while_idle_is_no_error_of_a_read(shared_etcd: EtcdServer) -> None:
    ask_etcd, calls = passing_on(shared_etcd.port), 0

    async def once_then_hang_up(call: Call) -> bytes | None:
        # Every second call is met with a closed connection: a proxy's idle time-out, at its worst moment.
        nonlocal calls
        calls += 1
        return await ask_etcd(call) if calls != 2 else None

    async with serving(once_then_hang_up) as moody, EtcdStore(EtcdSettings((moody,))) as store:
        await store.read(Range(KEY))
        await store.read(Range(KEY))
        assert calls == 3


async def test_a_slow_read_does_not_delay_the_keep_alive() -> None:
    reading = anyio.Event()

    async def answer(call: Call) -> bytes:
        if call.path.endswith("/lease/keepalive"):
            return response("200 OK", '{"result": {"header": {}, "ID": "7", "TTL": "5"}}')
        reading.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with (
        serving(answer) as slow,
        EtcdStore(EtcdSettings((slow,), call_timeout=20)) as store,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(8):
            tasks.start_soon(store.read, Range(KEY))
        with anyio.fail_after(5):
            await reading.wait()
            assert await store.keep_alive(LeaseID(7)) == 5
        tasks.cancel_scope.cancel()


async def test_an_ipv6_endpoint_works_for_calls_and_watches(shared_etcd: EtcdServer) -> None:
    async with (
        relaying(shared_etcd.port, "::1") as url,
        EtcdStore(EtcdSettings((url,), call_timeout=TIMEOUT)) as store,
    ):
        listing = await store.read(Range(KEY))
        await store.commit(WRITE)
        async with store.watch(Range(KEY), after=listing.revision) as batches:
            assert KEY in (await anext(batches)).changes
