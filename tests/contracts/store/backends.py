"""The two backends that the store's contract is tried in."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import anyio
from anyio import to_thread

from sidecar.domain.records.store import Revision
from sidecar.ports import Store
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.memory_store import MemoryStore
from tests.kit.etcd.servers import EtcdServer


class StoreBackend(Protocol):
    """A store's server side, as a test gets to it. ``root`` begins every key of the test."""

    root: str

    def client(self) -> AbstractAsyncContextManager[Store]:
        """A store on this backend."""
        ...

    async def compact(self, revision: Revision) -> None:
        """Forget the history before ``revision``."""
        ...

    async def stop(self) -> None:
        """Take the servers away."""
        ...

    async def start(self) -> None:
        """Bring them back, with what they knew."""
        ...


def _new_root() -> str:
    return f"/{secrets.token_hex(4)}/"


class EtcdBackend:
    """A real etcd."""

    def __init__(self, server: EtcdServer) -> None:
        self.root = _new_root()
        self._server = server

    def client(self) -> AbstractAsyncContextManager[Store]:
        return self._server.store()

    async def compact(self, revision: Revision) -> None:
        await to_thread.run_sync(self._server.compact, revision)

    async def stop(self) -> None:
        await to_thread.run_sync(self._server.stop)

    async def start(self) -> None:
        await to_thread.run_sync(self._server.start)


class MemoryBackend:
    """The one in memory."""

    def __init__(self) -> None:
        self.root = _new_root()
        self._cluster = MemoryCluster(anyio.current_time)
        self._clients: list[MemoryStore] = []

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Store]:
        self._clients.append(MemoryStore(self._cluster))
        yield self._clients[-1]

    async def compact(self, revision: Revision) -> None:
        self._cluster.compact(revision)

    async def stop(self) -> None:
        for client in self._clients:
            client.disconnect()

    async def start(self) -> None:
        self._cluster.keep_all_alive()
        for client in self._clients:
            client.reconnect()
