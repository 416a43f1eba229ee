"""An etcd behind TLS that asks its clients for certificates."""

from __future__ import annotations

import gc
import socket
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Put, Revision, Transaction
from tests.kit.certificates import Authority, KeyPair
from tests.kit.etcd.servers import EtcdServer

pytestmark = pytest.mark.anyio

KEY = "/tls/key"


@dataclass(frozen=True, slots=True)
class Secured:
    """An etcd, and the way in."""

    etcd: EtcdServer
    authority: Authority
    client: KeyPair

    @property
    def url(self) -> str:
        return self.etcd.url


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    server = authority.issue("server")
    etcd = EtcdServer(
        folder,
        *("--cert-file", str(server.cert), "--key-file", str(server.key)),
        *("--trusted-ca-file", str(authority.cert), "--client-cert-auth"),
        scheme="https",
    )
    try:
        etcd.start()
        yield Secured(etcd, authority, authority.issue("client"))
    finally:
        etcd.kill()


def store(secured: Secured, ca: Path | None, pair: KeyPair | None) -> EtcdStore:
    cert, key = (pair.cert, pair.key) if pair else (None, None)
    return EtcdStore(EtcdSettings((secured.url,), ca=ca, cert=cert, key=key, call_timeout=2))


async def test_calls_and_watches_go_through_with_authority_and_client_certificate(secured: Secured) -> None:
    async with store(secured, secured.authority.cert, secured.client) as client:
        listing = await client.read(Range(KEY))
        async with client.watch(Range(KEY), after=listing.revision) as batches:
            await client.commit(Transaction((), (Put(KEY, b"x"),)))
            assert KEY in (await anext(batches)).changes
        assert await client.keep_alive(await client.grant_lease(5)) > 0


async def test_a_certificate_that_is_renewed_is_used_by_the_next_watch(
    secured: Secured, tmp_path: Path
) -> None:
    renewed = KeyPair(tmp_path / "cert", tmp_path / "key")
    renewed.cert.write_bytes(secured.client.cert.read_bytes())
    renewed.key.write_bytes(secured.client.key.read_bytes())
    async with store(secured, secured.authority.cert, renewed) as client:
        listing = await client.read(Range(KEY))
        async with client.watch(Range(KEY), after=listing.revision):
            pass
        # As it is for a moment while it is renewed in place.
        renewed.cert.rename(tmp_path / "away")
        with pytest.raises(StoreUnavailable):
            async with client.watch(Range(KEY), after=listing.revision):
                pass
        (tmp_path / "away").rename(renewed.cert)
        async with client.watch(Range(KEY), after=listing.revision):
            pass


async def test_an_etcd_of_another_authority_is_not_trusted(secured: Secured, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    for ca in (stranger.cert, None):
        async with store(secured, ca, secured.client) as client:
            with pytest.raises(StoreUnavailable, match="certificate"):
                await client.read(Range(KEY))
            with pytest.raises(StoreUnavailable, match="certificate"):
                await _open_watch(client)


async def test_without_an_authority_calls_and_watches_trust_whom_the_system_trusts(
    secured: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secured.authority.cert))
    async with store(secured, None, secured.client) as client:
        await client.read(Range(KEY))
        await _open_watch(client)


async def test_of_an_etcd_without_tls_the_error_says_what_to_do(shared_etcd: EtcdServer) -> None:
    plain = EtcdSettings((shared_etcd.url.replace("http://", "https://"),), call_timeout=2)
    async with EtcdStore(plain) as client:
        with pytest.raises(StoreUnavailable, match="name it with http://"):
            await client.read(Range(KEY))


async def test_of_one_that_hangs_up_on_tls_the_error_says_the_same() -> None:
    # As an etcd without TLS does now and then: the connection is gone before it has said anything.
    async def hang_up(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            linger = stream.extra(SocketAttribute.raw_socket)
            linger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, hang_up)
        port = listener.extra(SocketAttribute.local_port)
        for scheme, hinted in (("https", True), ("http", False)):
            settings = EtcdSettings((f"{scheme}://127.0.0.1:{port}",), call_timeout=2)
            async with EtcdStore(settings) as client:
                with pytest.raises(StoreUnavailable) as failed:
                    await client.read(Range(KEY))
            assert ("name it with http://" in str(failed.value)) is hinted
        tasks.cancel_scope.cancel()


async def test_without_a_client_certificate_there_is_no_way_in(secured: Secured) -> None:
    async with store(secured, secured.authority.cert, None) as client:
        with pytest.raises(StoreUnavailable):
            await client.read(Range(KEY))
        with pytest.raises(StoreUnavailable):
            await _open_watch(client)


def test_a_watch_of_an_etcd_that_fell_silent_leaves_no_connection_behind(secured: Secured) -> None:
    async def watch() -> None:
        async with (
            store(secured, secured.authority.cert, secured.client) as client,
            client.watch(Range(KEY), after=Revision(1)),
        ):
            secured.etcd.suspend()

    with warnings.catch_warnings(record=True) as left_open:
        warnings.simplefilter("always", ResourceWarning)
        try:
            anyio.run(watch)
        finally:
            secured.etcd.resume()
        gc.collect()
    assert [str(each.message) for each in left_open] == []


async def _open_watch(client: EtcdStore) -> None:
    async with client.watch(Range(KEY), after=Revision(1)):
        pass
