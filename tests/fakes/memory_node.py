"""A node in memory: its file, its state folder, its process and the probe of it. Runs on any clock."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import anyio

from sidecar.domain.documents.document import Document, replace_servers
from sidecar.domain.errors import BadFile
from sidecar.domain.identity import Role
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import Exited, NotLaunched, ProcessState, Running
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.servers import ServerList, ServerUrl


@dataclass(slots=True)
class MemoryFile:
    """A configuration file. ``writes`` counts the sidecar's own."""

    data: bytes
    role: Role = Role.FEDERATED
    writes: int = 0
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def edit(self, data: bytes) -> None:
        """Change the file, as a person would."""
        self.data = data
        self._changed.set()
        self._changed = anyio.Event()

    async def read(self) -> Document:
        return Document.parse(self.data, source="memory", role=self.role)

    async def write(self, document: Document) -> None:
        self.data = document.data
        self.writes += 1

    async def propose_repair(self, servers: ServerList) -> tuple[str, Document] | None:
        mended = replace_servers(self.data, servers)
        if mended is None:
            return None
        try:
            return self.data.decode(), Document.parse(mended, source="memory", role=self.role)
        except BadFile:
            return None

    async def changes(self) -> AsyncIterator[None]:
        yield None
        while True:
            await self._changed.wait()
            yield None


@dataclass(slots=True)
class MemoryState:
    """A state folder; it outlasts the sidecar."""

    saved: tuple[int, ServerList] | None = None
    rejected: list[str] = field(default_factory=list)

    async def load_last_known_good(self) -> tuple[int, ServerList] | None:
        return self.saved

    async def save_last_known_good(self, version: int, servers: ServerList) -> None:
        self.saved = (version, servers)

    async def clear_last_known_good(self) -> None:
        self.saved = None

    async def save_rejected(self, rejected: str, replaced_by: str) -> str:
        self.rejected.append(rejected)
        return f"rejected/{len(self.rejected)}-{len(replaced_by)}.diff"


@dataclass(slots=True)
class MemoryProcess:
    """A process that takes ``stop_duration`` seconds to stop. ``starts`` is what each start loaded."""

    stop_duration: float = 0.0
    starts: list[ServerList] = field(default_factory=list)
    stops: int = 0
    state: ProcessState = field(default_factory=NotLaunched)
    last_exit: int | None = None
    _changed: anyio.Event = field(default_factory=anyio.Event)

    async def start(self, servers: ServerList) -> None:
        self.starts.append(servers)
        self.state = Running(len(self.starts), anyio.current_time(), servers)

    async def stop(self) -> None:
        if isinstance(self.state, Running):
            await anyio.sleep(self.stop_duration)
            self.stops += 1
        self.state = NotLaunched()

    async def end_supervision(self) -> None:
        await self.stop()

    def die(self, code: int = 1, retry_in: float = 1.0) -> None:
        """The process ends by itself."""
        self.state = Exited(code, anyio.current_time() + retry_in, 1)
        self._changed.set()
        self._changed = anyio.Event()

    async def wait_for_change(self) -> None:
        await self._changed.wait()


@dataclass(slots=True)
class MemoryProbe:
    """Finds the process healthy ``startup_duration`` seconds after its start, while ``healthy``.

    ``unhealthy_from_start``: never from that start on, counted from 1.
    """

    process: MemoryProcess
    startup_duration: float = 0.0
    healthy: bool = True
    unhealthy_from_start: float = math.inf

    async def check(self) -> Health:
        state = self.process.state
        up = isinstance(state, Running) and anyio.current_time() >= state.started_at + self.startup_duration
        return Health(up and self.healthy and len(self.process.starts) < self.unhealthy_from_start, "memory")


async def accept_newcomer(url: ServerUrl, node_id: str, kind: AdmissionProbe) -> str:
    """A probe of a newcomer that finds no objection."""
    return ""


def with_other_servers(document: Document, servers: ServerList) -> bytes:
    """The content of the file with another list in it."""
    return replace(document).with_servers(servers).data
