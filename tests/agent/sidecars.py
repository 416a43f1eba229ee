"""Whole sidecars in one process: the real loops over ports in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from sidecar.agent.agent import run
from sidecar.agent.board import Board
from sidecar.agent.dependencies import Dependencies
from sidecar.agent.reporting.instance import Instance
from sidecar.agent.shutdown import Shutdown
from sidecar.agent.watch_file import join_attempt_id
from sidecar.domain.documents.document import Document
from sidecar.domain.identity import Identity, Role
from sidecar.domain.node.process import StartupTimeout
from sidecar.domain.node.view import FileView, NodeOptions, ProcessView, View
from sidecar.domain.records.canonical import Canonical, VersionedServers
from sidecar.domain.records.encoding import R, decode
from sidecar.domain.records.report import Phase
from sidecar.domain.records.store import NO_LEASE, Put, Transaction
from sidecar.domain.records.tokens import JoinToken
from sidecar.domain.servers import ServerList
from sidecar.ports import NewcomerProbe
from tests.builders import KEYS, document, servers
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.memory_node import MemoryFile, MemoryProbe, MemoryProcess, MemoryState, accept_newcomer
from tests.fakes.memory_store import MemoryStore, new_cluster

TTL = 10.0
TIMEOUT = 120.0
"""Virtual seconds after which a condition that is still false fails the test."""


@dataclass(slots=True)
class Sidecar:
    """One node, over any number of executions of its sidecar."""

    identity: Identity
    store: MemoryStore
    file: MemoryFile
    state: MemoryState = field(default_factory=MemoryState)
    process: MemoryProcess = field(default_factory=MemoryProcess)
    startup_timeout: StartupTimeout = field(default_factory=StartupTimeout)
    probe: MemoryProbe = field(init=False)
    board: Board = field(init=False)
    executions: int = 0
    running: bool = False
    host: str = "memory"
    token: JoinToken | None = None
    probe_newcomer: NewcomerProbe = accept_newcomer
    shutdown: Shutdown = field(init=False)
    scope: anyio.CancelScope = field(init=False)

    def __post_init__(self) -> None:
        self.probe = MemoryProbe(self.process)
        self._reset()

    def _reset(self) -> None:
        self.board = Board(self._initial_view())
        self.shutdown, self.scope = Shutdown(self.board), anyio.CancelScope()

    def boot(self, tasks: TaskGroup) -> None:
        """Start another execution; it can be stopped from this moment on."""
        self.executions += 1
        self._reset()
        self.running = True
        tasks.start_soon(self._run_once)

    @property
    def phase(self) -> Phase:
        return self.board.decision.phase

    @property
    def is_leader(self) -> bool:
        return self.board.term is not None

    @property
    def _instance(self) -> str:
        return f"{self.identity.node_id}-{self.host}-{self.executions}"

    def _initial_view(self) -> View:
        found = Document.parse(self.file.data, source="memory", role=self.identity.role)
        return View(
            self.identity,
            sidecar_started_at=anyio.current_time(),
            options=NodeOptions(startup_timeout=self.startup_timeout),
            file=FileView(found, attempt=join_attempt_id(found, self._instance)),
            process=ProcessView(self.process.state),
            last_known_good=VersionedServers(*self.state.saved) if self.state.saved else None,
        )

    async def _run_once(self) -> None:
        """Run one execution, until `stop` or `kill`."""
        ports = (self.store, self.file, self.state, self.process, self.probe, self.probe_newcomer)
        world = Dependencies(*ports, anyio.current_time)
        with self.scope:
            await run(
                world,
                board=self.board,
                keys=KEYS,
                instance=Instance(self.identity, self._instance, self.host, "0", join_token=self.token),
                lease_ttl=TTL,
                alongside=anyio.sleep_forever,
                shutdown=self.shutdown,
            )
        self.running = False


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
        """Start the sidecar again."""
        sidecar.boot(self.tasks)

    async def stop(self, sidecar: Sidecar) -> None:
        """Request a stop of the sidecar, and wait until it has ended."""
        sidecar.shutdown.request_stop()
        await until(lambda: not sidecar.running)

    def read(self, cls: type[R], key: str) -> R | None:
        entry = self.cluster.list(KEYS.ranges_of_leader()).entries.get(key)
        return decode(cls, entry.value, key) if entry else None

    @property
    def canonical(self) -> Canonical:
        found = self.read(Canonical, KEYS.canonical)
        assert found is not None
        return found

    def write(self, key: str, value: bytes) -> None:
        """Write into etcd directly, past all sidecars."""
        self.cluster.commit(Transaction((), (Put(key, value, NO_LEASE),)))

    def all_in_step_on(self, expected: ServerList) -> bool:
        """Whether every node of the network is healthy on that list, and its file holds it."""
        return all(
            sidecar.phase is Phase.RUNNING
            and sidecar.board.view.health.healthy
            and sidecar.process.starts[-1:] == [expected]
            and servers_in(sidecar) == expected
            for sidecar in self.sidecars
            if sidecar.identity.url in expected or sidecar.identity.role is Role.DATABASE
        )

    @property
    def leaders(self) -> list[Sidecar]:
        return [sidecar for sidecar in self.sidecars if sidecar.is_leader]


def servers_in(sidecar: Sidecar) -> ServerList:
    """The list that the node's file holds."""
    return Document.parse(sidecar.file.data, source="memory", role=sidecar.identity.role).servers


async def until(condition: Callable[[], bool], max_seconds: float = TIMEOUT) -> float:
    """Wait until ``condition()``, checked fifty times a second. Returns the virtual seconds it took."""
    began = anyio.current_time()
    with anyio.fail_after(max_seconds):
        while not condition():  # noqa: ASYNC110 - a condition over many sidecars; the clock is virtual
            await anyio.sleep(0.02)
    return anyio.current_time() - began


@asynccontextmanager
async def federation(
    *identities: Identity, ports: tuple[int, ...] = (9000, 9001, 9002)
) -> AsyncIterator[Federation]:
    """A network of ``identities`` whose files all name ``ports``, in step when it is yielded."""
    async with anyio.create_task_group() as tasks:
        network = Federation(new_cluster(), tasks)
        for identity in identities:
            network.add(identity, *ports)
        await until(lambda: network.all_in_step_on(servers(*ports)))
        yield network
        tasks.cancel_scope.cancel()
