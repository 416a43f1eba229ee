"""One simulated node: a real sidecar over ports that can be frozen, cut off and killed with -9."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from sidecar.domain.documents.document import Document
from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.identity import Identity, Role
from sidecar.domain.node.actions import StopForRestart
from sidecar.domain.node.health import Health, ProbeSchedule
from sidecar.domain.node.process import Backoff, Exited, NotLaunched, Running, StartupTimeout
from sidecar.domain.servers import NodeID, ServerList
from tests.agent.sidecars import Sidecar
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.memory_node import MemoryFile, MemoryProbe, MemoryProcess, MemoryState
from tests.fakes.memory_store import MemoryStore

STARTUP_TIMEOUT = StartupTimeout(initial=20.0, max_doublings=2)
BACKOFF = Backoff(cap=8.0)


class StartOutcome(Enum):
    """What becomes of a process that is started."""

    COMES_UP = "comes up"
    DIES = "dies"
    HANGS = "hangs"


class EndReason(Enum):
    """Why a sidecar ends the process next to it."""

    RESTART = "restart"
    REMOVAL = "removal"
    SHUTDOWN = "shutdown"


class ProcessObserver(Protocol):
    """Whoever wants to know what processes go through."""

    def started(self, node: NodeID, servers: ServerList) -> None: ...

    def ending(self, node: NodeID, why: EndReason, *, serves: bool) -> None: ...


@dataclass(slots=True)
class Freezer:
    """Holds a frozen sidecar (SIGSTOP): what it is about to do is done when it thaws, however late."""

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
        """Wait while it is frozen. Shielded: a process that does not run cancels nothing either."""
        while self.frozen:
            with anyio.CancelScope(shield=True):
                await self._thawed.wait()


class SimStore(MemoryStore):
    """The client of one life of a sidecar."""

    def __init__(self, cluster: MemoryCluster, *, delay: Callable[[], float], freezer: Freezer) -> None:
        super().__init__(cluster, delay=delay)
        self._frost = freezer
        self._dead = False

    @property
    def connected(self) -> bool:
        return self._connected and not self._dead

    def die(self) -> None:
        """Its process was killed: nothing is sent any more."""
        self._dead = True
        self.end_watches()

    async def _travel(self) -> None:
        await self._frost.wait_until_thawed()
        await super()._travel()
        await self._frost.wait_until_thawed()
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
    """Parsing is most of a large simulation's time, and most files are alike."""
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


@dataclass(slots=True, kw_only=True)
class SimProcess(MemoryProcess):
    """A process that outlives the kill of its sidecar. ``boot``: seconds until its next start serves.

    It loads what its file holds when it starts, whatever the sidecar thinks that is.
    """

    node: NodeID
    file: SimFile
    tasks: TaskGroup
    observer: ProcessObserver
    outcome_of: Callable[[NodeID, ServerList], StartOutcome]
    boot: float = 1.0
    healthy: bool = True
    orphaned: bool = False
    up_at: float = math.inf
    outcome: StartOutcome = StartOutcome.COMES_UP
    last_served: float = -1.0
    found_healthy_at: float = math.inf
    """When its sidecar found it healthy, after it was not; never, while it is not known to be."""
    stops_for_restart: Callable[[], bool] = bool
    """Whether its sidecar stops it in order to start it again."""
    _crashes: int = 0
    _ends: bool = False

    @property
    def serves(self) -> bool:
        """Whether it does, as a client would find out."""
        up = isinstance(self.state, Running) and anyio.current_time() >= self.up_at
        return up and self.healthy and self.outcome is StartOutcome.COMES_UP and not self._ends

    def served_since(self, moment: float) -> bool:
        """Whether it served after ``moment``."""
        self._note()
        return self.last_served > moment

    async def start(self, servers: ServerList) -> None:  # noqa: ARG002 - what the file holds counts
        loads = self.file.servers
        self.outcome, self._ends, self.found_healthy_at = self.outcome_of(self.node, loads), False, math.inf
        await MemoryProcess.start(self, loads)
        self.up_at = anyio.current_time() + self.boot
        self.observer.started(self.node, loads)
        if self.outcome is StartOutcome.DIES:
            self.tasks.start_soon(self._die_later, len(self.starts))

    async def stop(self) -> None:
        await self._end(EndReason.RESTART if self.stops_for_restart() else EndReason.REMOVAL)

    async def end_supervision(self) -> None:
        if not self.orphaned:
            await self._end(EndReason.SHUTDOWN)

    def crash(self) -> None:
        """It ends by itself; started again and again, ever later."""
        if isinstance(self.state, Running):
            self._note()
            up = anyio.current_time() - self.state.started_at
            self._crashes = 1 if up > BACKOFF.reset_after else self._crashes + 1
            self.die(retry_in=BACKOFF.delay(self._crashes, 0.5))

    def set_health(self, *, healthy: bool) -> None:
        self._note()
        self.healthy = healthy

    async def _die_later(self, start_number: int) -> None:
        await anyio.sleep(self.boot)
        if len(self.starts) == start_number:
            self.crash()

    async def _end(self, why: EndReason) -> None:
        if isinstance(self.state, Running) and not self._ends:
            self._note()
            self.observer.ending(self.node, why, serves=self.serves)
            self._ends = True
            try:
                await anyio.sleep(self.stop_duration)
            finally:  # SIGTERM was sent: it ends, also where the sidecar is killed meanwhile
                self.stops += 1
                self.state = NotLaunched()
        if not isinstance(self.state, Exited):
            self.state = NotLaunched()

    def _note(self) -> None:
        if self.serves:
            self.last_served = anyio.current_time()


@dataclass(slots=True)
class SimProbe(MemoryProbe):
    freezer: Freezer = field(default_factory=Freezer)
    failures: int = 0

    async def check(self) -> Health:
        await self.freezer.wait_until_thawed()
        process = self.process
        assert isinstance(process, SimProcess)
        if not process.serves:
            self.failures += 1
            if (
                self.failures >= ProbeSchedule().failure_threshold
            ):  # before, its sidecar goes on believing that it is well
                process.found_healthy_at = math.inf
            return Health(False, "nobody answers")
        self.failures = 0
        process.found_healthy_at = min(process.found_healthy_at, anyio.current_time())
        return Health(True, "")


class SimSidecar(Sidecar):
    """A node over any number of its sidecar's lives, however they end."""

    freezer: Freezer
    state: SimState
    process: SimProcess
    store: SimStore
    file: SimFile
    watches_silent_since: float = math.inf
    watches_restored_at: float = -math.inf

    @property
    def node(self) -> NodeID:
        return self.identity.node_id

    @property
    def reachable(self) -> bool:
        """Whether its sidecar is at work and can reach etcd."""
        return self.running and not self.freezer.frozen and self.store.connected

    def stops_for_restart(self) -> bool:
        in_progress = self.board.view.process.in_progress
        return in_progress is not None and isinstance(in_progress.action, StopForRestart)

    def kill(self) -> None:
        """End its sidecar with SIGKILL: no goodbye, and the process next to it goes on."""
        self.store.die()
        self.state.dead = self.process.orphaned = True
        self.freezer.thaw()
        self.scope.cancel()

    def freeze(self) -> None:
        self.freezer.freeze()
        self.silence_watches()

    def thaw(self) -> None:
        self.freezer.thaw()
        self.restore_watches()

    def silence_watches(self) -> None:
        """Its watches tell it nothing any more."""
        self.store.freeze_watches()
        self.watches_silent_since = anyio.current_time()

    def watches_were_silent_at(self, moment: float) -> bool:
        """Whether its watches were silent then, the last time that they were."""
        return self.watches_silent_since <= moment <= self.watches_restored_at

    def restore_watches(self) -> None:
        """Its watches tell it, one by one, what they held back."""
        self.store.thaw_watches()
        self.watches_restored_at = anyio.current_time()


def build(
    identity: Identity, data: bytes, cluster: MemoryCluster, process: Callable[[SimFile], SimProcess]
) -> SimSidecar:
    """A node whose sidecar has not been started yet."""
    freezer = Freezer()
    file = SimFile(data, identity.role, freezer=freezer)
    store = SimStore(cluster, delay=lambda: 0.0, freezer=freezer)
    sidecar = SimSidecar(identity, store, file, SimState(), process(file), STARTUP_TIMEOUT)
    sidecar.probe = SimProbe(sidecar.process, freezer=freezer)
    sidecar.freezer = freezer
    sidecar.process.stops_for_restart = sidecar.stops_for_restart
    return sidecar
