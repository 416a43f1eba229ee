"""Whole sidecars in one process: the real loops over ports in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from sidecar.agent.agent import Self, run
from sidecar.agent.board import Board
from sidecar.agent.dependencies import World
from sidecar.agent.shutdown import Ending
from sidecar.agent.watch_file import attempt_of
from sidecar.domain.documents.document import Document
from sidecar.domain.identity import Identity, Role
from sidecar.domain.node.process import Patience
from sidecar.domain.node.view import Known, View
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.encoding import R, decode
from sidecar.domain.records.report import Phase
from sidecar.domain.records.store import NO_LEASE, Put, Transaction
from sidecar.domain.records.tokens import JoinToken
from sidecar.domain.servers import ServerList
from sidecar.ports import AskNewcomer
from tests.build import KEYS, document, servers
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.memory_node import MemoryFile, MemoryProbe, MemoryProcess, MemoryState, welcome
from tests.fakes.memory_store import MemoryStore, new_cluster

TTL = 10.0
PATIENCE = 120.0
"""Virtual seconds before a condition that does not come true is a failure."""


@dataclass(slots=True)
class Sidecar:
    """One node, over any number of its sidecar's lives."""

    identity: Identity
    store: MemoryStore
    file: MemoryFile
    state: MemoryState = field(default_factory=MemoryState)
    process: MemoryProcess = field(default_factory=MemoryProcess)
    patience: Patience = field(default_factory=Patience)
    probe: MemoryProbe = field(init=False)
    board: Board = field(init=False)
    lives: int = 0
    alive: bool = False
    host: str = "memory"
    token: JoinToken | None = None
    ask_newcomer: AskNewcomer = welcome
    ending: Ending = field(init=False)
    life: anyio.CancelScope = field(init=False)

    def __post_init__(self) -> None:
        self.probe = MemoryProbe(self.process)
        self._begin()

    def _begin(self) -> None:
        self.board = Board(View(identity=self.identity))
        self.ending, self.life = Ending(self.board), anyio.CancelScope()

    def boot(self, tasks: TaskGroup) -> None:
        """Begin another life; it can be ended from this moment on."""
        self._begin()
        self.lives += 1
        self.alive = True
        tasks.start_soon(self._live)

    @property
    def phase(self) -> Phase:
        return self.board.decision.phase

    @property
    def leads(self) -> bool:
        return self.board.term is not None

    async def _live(self) -> None:
        """One life, until `stop` or `kill`."""
        instance = f"{self.identity.node_id}-{self.host}-{self.lives}"
        found = await self.file.read()
        known = await self.state.last_known_good()
        self.board.update(
            born=anyio.current_time(),
            patience=self.patience,
            file=found,
            applied=Known(*known) if known else None,
            process=self.process.state,
            attempt=attempt_of(found, instance),
        )
        ports = (self.store, self.file, self.state, self.process, self.probe, self.ask_newcomer)
        world = World(*ports, anyio.current_time)
        with self.life:
            await run(
                world,
                board=self.board,
                keys=KEYS,
                me=Self(instance, self.host, "0", token=self.token),
                lease_ttl=TTL,
                beside=anyio.sleep_forever,
                ending=self.ending,
            )
        self.alive = False


@dataclass(slots=True)
class Federation:
    """The sidecars of one network, on one etcd."""

    cluster: MemoryCluster
    tasks: TaskGroup
    sidecars: list[Sidecar] = field(default_factory=list)

    def add(
        self, identity: Identity, *ports: int, host: str = "memory", token: JoinToken | None = None
    ) -> Sidecar:
        """Boot the sidecar of a node whose file names the servers at ``ports``."""
        port = identity.url.port if identity.url else 1
        data = document(*ports, role=identity.role, node=identity.node_id, port=port).data
        sidecar = Sidecar(identity, MemoryStore(self.cluster), MemoryFile(data, identity.role))
        sidecar.host, sidecar.token = host, token
        self.sidecars.append(sidecar)
        self.boot(sidecar)
        return sidecar

    def boot(self, sidecar: Sidecar) -> None:
        """Begin another life of the sidecar."""
        sidecar.boot(self.tasks)

    async def stop(self, sidecar: Sidecar) -> None:
        """Tell the sidecar to stop, and wait until it has."""
        sidecar.ending.stop()
        await until(lambda: not sidecar.alive)

    def read(self, cls: type[R], key: str) -> R | None:
        entry = self.cluster.list(KEYS.of_leader()).entries.get(key)
        return decode(cls, entry.value, key) if entry else None

    @property
    def canonical(self) -> Canonical:
        found = self.read(Canonical, KEYS.canonical)
        assert found is not None
        return found

    def write(self, key: str, value: bytes) -> None:
        """Somebody writes into etcd, past everybody."""
        self.cluster.commit(Transaction((), (Put(key, value, NO_LEASE),)))

    def all_in_step_on(self, expected: ServerList) -> bool:
        """Whether every node that is in the network runs, healthy, on that list, and its file holds it."""
        return all(
            sidecar.phase is Phase.RUNNING
            and sidecar.board.view.healthy
            and sidecar.process.starts[-1:] == [expected]
            and servers_in(sidecar) == expected
            for sidecar in self.sidecars
            if sidecar.identity.url in expected or sidecar.identity.role is Role.DATABASE
        )

    @property
    def leaders(self) -> list[Sidecar]:
        return [sidecar for sidecar in self.sidecars if sidecar.leads]


def servers_in(sidecar: Sidecar) -> ServerList:
    """The list that the node's file holds."""
    return Document.parse(sidecar.file.data, source="memory", role=sidecar.identity.role).servers


async def until(holds: Callable[[], bool], within: float = PATIENCE) -> float:
    """Wait until ``holds()``; the virtual seconds it took. Looks fifty times a second."""
    began = anyio.current_time()
    with anyio.fail_after(within):
        while not holds():  # noqa: ASYNC110 - a condition over many sidecars; the clock is virtual
            await anyio.sleep(0.02)
    return anyio.current_time() - began


@asynccontextmanager
async def federation(
    *identities: Identity, ports: tuple[int, ...] = (9000, 9001, 9002)
) -> AsyncIterator[Federation]:
    """A network of ``identities`` whose files all name ``ports``, in step before it is handed over."""
    async with anyio.create_task_group() as tasks:
        network = Federation(new_cluster(), tasks)
        for identity in identities:
            network.add(identity, *ports)
        await until(lambda: network.all_in_step_on(servers(*ports)))
        yield network
        tasks.cancel_scope.cancel()
