"""What a simulated sidecar stands on: a store, a file and a state folder that can freeze or die."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import anyio

from sidecar.domain.documents.document import Document
from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.identity import Role
from sidecar.domain.servers import ServerList
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.memory_node import MemoryFile, MemoryState
from tests.fakes.memory_store import MemoryStore


@dataclass(slots=True)
class Freezer:
    """Suspends a sidecar (SIGSTOP): what it was about to do happens when it thaws, however late."""

    frozen: bool = False
    thawed_at: float = -math.inf
    _thawed: anyio.Event = field(default_factory=anyio.Event)

    def freeze(self) -> None:
        if not self.frozen:
            self.frozen, self._thawed = True, anyio.Event()

    def thaw(self) -> None:
        if self.frozen:
            self.frozen, self.thawed_at = False, anyio.current_time()
            self._thawed.set()

    async def wait_until_thawed(self) -> None:
        """Wait while it is frozen. Shielded, as a suspended process cannot be cancelled either."""
        while self.frozen:
            with anyio.CancelScope(shield=True):
                await self._thawed.wait()


class SimStore(MemoryStore):
    """The etcd client of one execution of a sidecar."""

    def __init__(self, cluster: MemoryCluster, *, delay: Callable[[], float], freezer: Freezer) -> None:
        super().__init__(cluster, delay=delay)
        self._freezer = freezer
        self._dead = False

    @property
    def connected(self) -> bool:
        return self._connected and not self._dead

    def die(self) -> None:
        """Its sidecar was killed: it sends nothing more."""
        self._dead = True
        self.end_watches()

    async def _travel(self) -> None:
        await self._freezer.wait_until_thawed()
        await super()._travel()
        await self._freezer.wait_until_thawed()
        if self._dead:
            raise StoreUnavailable("its sidecar was killed")


@dataclass(slots=True)
class SimFile(MemoryFile):
    freezer: Freezer = field(default_factory=Freezer)

    async def read(self) -> Document:
        await self.freezer.wait_until_thawed()
        return self.document

    async def write(self, document: Document) -> None:
        await self.freezer.wait_until_thawed()
        await MemoryFile.write(self, document)

    @property
    def document(self) -> Document:
        """What it holds now."""
        return _parsed(self.data, self.role)

    @property
    def servers(self) -> ServerList:
        return self.document.servers


@lru_cache(maxsize=4096)
def _parsed(data: bytes, role: Role) -> Document:
    """The parsed document, cached: parsing takes most of the time of a large simulation."""
    return Document.parse(data, source="memory", role=role)


@dataclass(slots=True)
class SimState(MemoryState):
    dead: bool = False

    async def save_last_known_good(self, version: int, servers: ServerList) -> None:
        if not self.dead:
            await MemoryState.save_last_known_good(self, version, servers)

    async def clear_last_known_good(self) -> None:
        if not self.dead:
            await MemoryState.clear_last_known_good(self)
