"""The process of a simulated node, which outlasts the kill of its sidecar, and the probe of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from sidecar.domain.node.health import Health, ProbeSchedule
from sidecar.domain.node.process import Backoff, Exited, NotLaunched, Running
from sidecar.domain.servers import NodeID, ServerList
from tests.fakes.memory_node import MemoryProbe, MemoryProcess
from tests.simulation.ports import Freezer, SimFile

BACKOFF = Backoff(cap=8.0)


class StartOutcome(Enum):
    """How a start of a process ends."""

    COMES_UP = "comes up"
    DIES = "dies"
    HANGS = "hangs"


class EndReason(Enum):
    """Why a sidecar ends the process next to it."""

    RESTART = "restart"
    REMOVAL = "removal"
    SHUTDOWN = "shutdown"


class ProcessObserver(Protocol):
    """Is called at each start and end of a process."""

    def started(self, node: NodeID, servers: ServerList) -> None: ...

    def ending(self, node: NodeID, why: EndReason, *, serves: bool) -> None: ...


@dataclass(slots=True, kw_only=True)
class SimProcess(MemoryProcess):
    """A process that outlives the kill of its sidecar. ``boot``: seconds until its next start serves.

    It loads the list in its file when it starts, whatever list the sidecar passes.
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
    """When its sidecar found it healthy again; infinite while it does not know that it is."""
    stops_for_restart: Callable[[], bool] = bool
    """Whether its sidecar stops it in order to start it again."""
    _crashes: int = 0
    _ends: bool = False

    @property
    def serves(self) -> bool:
        """Whether a client would be served."""
        up = isinstance(self.state, Running) and anyio.current_time() >= self.up_at
        return up and self.healthy and self.outcome is StartOutcome.COMES_UP and not self._ends

    def served_since(self, moment: float) -> bool:
        """Whether it served after ``moment``."""
        self._note()
        return self.last_served > moment

    async def start(self, servers: ServerList) -> None:  # noqa: ARG002 - the file counts
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
        """The process ends by itself; the delay to the next start grows."""
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
            finally:  # SIGTERM was sent, so it ends even if the sidecar is killed
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
            # Below the threshold its sidecar still considers it healthy.
            if self.failures >= ProbeSchedule().failure_threshold:
                process.found_healthy_at = math.inf
            return Health(False, "no answer")
        self.failures = 0
        process.found_healthy_at = min(process.found_healthy_at, anyio.current_time())
        return Health(True, "")
