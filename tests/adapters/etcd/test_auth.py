"""An etcd that wants to know who asks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.domain.errors import StoreRefused
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Put, Revision, Transaction
from tests.kit.etcd.servers import EtcdServer

pytestmark = pytest.mark.anyio

ALLOWED = "/allowed/key"
WRITE = Transaction((), (Put(ALLOWED, b"x"),))
TOKEN_TTL = 2


def add_user(etcd: EtcdServer, name: str, *prefixes: str) -> None:
    """A user with the password "secret" who may read and write below ``prefixes``."""
    etcd.call_api("auth/user/add", name=name, password="secret")
    etcd.call_api("auth/role/add", name=name)
    etcd.call_api("auth/user/grant", user=name, role=name)
    for prefix in prefixes:
        start, end = Range.prefix(prefix).start, Range.prefix(prefix).end or ""
        keys = {"key": b64encode(start.encode()).decode(), "range_end": b64encode(end.encode()).decode()}
        etcd.call_api("auth/role/grant", name=name, perm={"permType": "READWRITE", **keys})


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[EtcdServer]:
    """An etcd with the users root and sidecar, whose tokens end when unused for two seconds."""
    etcd = EtcdServer(tmp_path, "--auth-token-ttl", str(TOKEN_TTL), "--log-level", "debug")
    try:
        etcd.start()
        etcd.call_api("auth/user/add", name="root", password="secret")
        etcd.call_api("auth/role/add", name="root")
        etcd.call_api("auth/user/grant", user="root", role="root")
        add_user(etcd, "sidecar", "/allowed/")
        etcd.call_api("auth/enable")
        yield etcd
    finally:
        etcd.kill()


def store(etcd: EtcdServer, user: str = "sidecar", password: str = "secret") -> EtcdStore:
    return EtcdStore(EtcdSettings((etcd.url,), user=user, password=password, call_timeout=5))


async def use(client: EtcdStore) -> None:
    """Read, write and watch."""
    listing = await client.read(Range(ALLOWED))
    async with client.watch(Range(ALLOWED), after=listing.revision) as batches:
        assert await client.commit(WRITE) is not None
        assert ALLOWED in (await anext(batches)).changes


async def open_watch(client: EtcdStore, key: str) -> None:
    async with client.watch(Range(key), after=Revision(1)):
        pass


async def expired(etcd: EtcdServer) -> None:
    """Wait until etcd has forgotten every token, as its log says."""
    with anyio.fail_after(10 * TOKEN_TTL):
        while "deleted a simple token" not in etcd.log.read_text():  # noqa: ASYNC110 - there is no event
            await anyio.sleep(0.05)


async def test_a_user_with_the_right_password_gets_in(guarded: EtcdServer) -> None:
    async with store(guarded) as client:
        await use(client)
        assert await client.keep_alive(await client.grant_lease(5)) > 0


async def test_a_wrong_password_is_refused_for_good(guarded: EtcdServer) -> None:
    async with store(guarded, password="wrong") as client:
        with pytest.raises(StoreRefused, match="invalid user ID or password"):
            await client.read(Range(ALLOWED))
        with pytest.raises(StoreRefused, match="invalid user ID or password"):
            await open_watch(client, ALLOWED)


async def test_no_user_is_refused(guarded: EtcdServer) -> None:
    async with guarded.store() as client:
        with pytest.raises(StoreRefused):
            await client.read(Range(ALLOWED))
        with pytest.raises(StoreRefused):
            await open_watch(client, ALLOWED)


async def test_a_user_without_permission_is_refused(guarded: EtcdServer) -> None:
    async with store(guarded) as client:
        with pytest.raises(StoreRefused, match="permission denied"):
            await client.read(Range("/forbidden"))
        with pytest.raises(StoreRefused, match="permission denied"):
            await client.commit(Transaction((), (Put("/forbidden", b""),)))
        with pytest.raises(StoreRefused, match="permission"):
            await open_watch(client, "/forbidden")
        await use(client)


async def test_an_expired_token_is_renewed_for_a_read_and_a_commit(guarded: EtcdServer) -> None:
    async with store(guarded) as client, store(guarded) as other:
        await client.read(Range(ALLOWED))
        await other.read(Range(ALLOWED))
        await expired(guarded)
        await client.read(Range(ALLOWED))
        assert await other.commit(WRITE) is not None


async def test_an_expired_token_is_renewed_for_a_watch(guarded: EtcdServer) -> None:
    async with store(guarded) as client:
        listing = await client.read(Range(ALLOWED))
        await expired(guarded)
        async with client.watch(Range(ALLOWED), after=listing.revision) as batches:
            await client.commit(WRITE)
            assert ALLOWED in (await anext(batches)).changes


async def test_tokens_that_a_restart_forgot_are_renewed(guarded: EtcdServer) -> None:
    async with store(guarded) as client:
        await client.commit(WRITE)
        await to_thread.run_sync(guarded.restart)
        assert await client.commit(WRITE) is not None
        await use(client)


async def test_calls_at_the_same_time_survive_the_end_of_their_token(guarded: EtcdServer) -> None:
    async with store(guarded) as client:
        await client.read(Range(ALLOWED))
        await to_thread.run_sync(guarded.restart)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(client.read, Range(ALLOWED))


async def test_a_change_of_permissions_is_no_refusal(guarded: EtcdServer) -> None:
    async with store(guarded) as client:
        await use(client)
        token = guarded.call_api("auth/authenticate", name="root", password="secret")["token"]
        guarded.call_api("auth/role/add", token=token, name="another")
        assert await client.commit(WRITE) is not None
        await use(client)


async def test_an_etcd_without_authentication_accepts_a_user(shared_etcd: EtcdServer) -> None:
    async with store(shared_etcd) as client:
        await use(client)


async def test_a_user_is_asked_for_as_soon_as_etcd_asks(own_etcd: EtcdServer) -> None:
    async with store(own_etcd, user="root") as client:
        await use(client)
        add_user(own_etcd, "root")
        own_etcd.call_api("auth/enable")
        await use(client)
