"""No process at all: the sidecar keeps the file, and something else manages the process that reads it."""

from __future__ import annotations

import anyio

from sidecar.domain.node.process import NoProcess, ProcessState
from sidecar.domain.servers import ServerList


class NoManagedProcess:
    """Implements `sidecar.ports.Process` where there is none."""

    last_exit: int | None = None

    @property
    def state(self) -> ProcessState:
        return NoProcess()

    async def start(self, servers: ServerList) -> None:
        """There is nothing to start."""

    async def stop(self) -> None:
        """There is nothing to stop."""

    async def end_supervision(self) -> None:
        """There is nothing to let go of."""

    async def wait_for_change(self) -> None:
        """Never returns."""
        await anyio.sleep_forever()

    def signal(self, signum: int) -> None:
        """There is no process to signal."""
