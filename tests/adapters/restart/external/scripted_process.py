"""A process over a driver that does what a test says."""

from __future__ import annotations

import math
from pathlib import Path

import anyio

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.restart.saved_state import loaded_record_file
from sidecar.domain.errors import DriverError
from sidecar.domain.node.process import Backoff, Exited, RestartFailure, Running
from sidecar.domain.servers import ServerList
from tests.adapters.restart.scripted_driver import ScriptedDriver
from tests.builders import servers

OLD, NEW = servers(9000, 9001), servers(9000, 9001, 9002)


BACKOFF = Backoff(first=1.0, cap=8.0, reset_after=60.0)


TIMEOUT = 30.0


class ScriptedProcess:
    """A process over a scripted driver. ``file_servers`` maps moments to what the file held from then on."""

    def __init__(self, folder: Path, driver: ScriptedDriver) -> None:
        self.driver = driver
        self.state_file = loaded_record_file(folder)
        self.file_servers: list[tuple[float, ServerList]] = []
        self.process = ExternalProcess(
            driver,
            state_file=self.state_file,
            file_servers_at=self._file_servers_at,
            jitter=lambda: 0.5,
            restart_timeout=TIMEOUT,
            backoff=BACKOFF,
        )

    async def adopt(self, held: ServerList, *, since: float = -math.inf) -> None:
        """A sidecar starts, whose file has that list ``since`` then, or the earlier one."""
        self.file_servers = self.file_servers or [(anyio.current_time() + since, held)]
        await self.process.adopt()

    def _file_servers_at(self, moment: float) -> ServerList | None:
        return next((servers for since, servers in reversed(self.file_servers) if since <= moment), None)

    async def becomes(self, incarnation: Incarnation | None) -> None:
        """The process becomes another one, or none, while that is watched."""
        with anyio.fail_after(1000):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.process.wait_for_change)
                await anyio.wait_all_tasks_blocked()
                self.driver.set_incarnation(incarnation)

    @property
    def running(self) -> Running:
        assert isinstance(self.process.state, Running)
        return self.process.state

    @property
    def trouble(self) -> RestartFailure:
        assert self.running.restart_failure is not None
        return self.running.restart_failure

    @property
    def failure(self) -> str:
        """What is said to be wrong."""
        return self.exited.reason if isinstance(self.process.state, Exited) else self.trouble.reason

    @property
    def exited(self) -> Exited:
        assert isinstance(self.process.state, Exited)
        return self.process.state


async def forever() -> None:
    await anyio.sleep_forever()


async def refuse() -> None:
    raise DriverError("the engine says no")
