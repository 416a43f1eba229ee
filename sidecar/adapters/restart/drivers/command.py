"""The driver ``command``: anything else, restarted by a command that knows how."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import anyio

from sidecar.adapters.processes.launch import Command, NotStarted, describe_exit
from sidecar.adapters.processes.run import run
from sidecar.adapters.restart.driver import Incarnation
from sidecar.domain.errors import DriverError
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class CommandDriver:
    """Runs ``argv``, with the new list in its environment; the process itself is not visible.

    ``SIDECAR_FILE`` is the file's path, ``SIDECAR_SERVERS`` the list as JSON. When the time limit cuts it
    off, all that it started is killed.
    """

    argv: tuple[str, ...]
    file: Path
    starts_new_incarnation: bool = False
    can_stop: bool = False

    @property
    def label(self) -> str:
        return f"the command {self.argv[0]}"

    async def observe(self) -> Incarnation | None:
        """Runs cannot be distinguished; the probe says whether it serves."""
        return Incarnation("")

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:  # noqa: ARG002 - the command knows what it restarts
        variables = {"SIDECAR_FILE": str(self.file), "SIDECAR_SERVERS": json.dumps(servers.texts())}
        # What it leaves running on purpose stays.
        found = await run(Command(self.argv, env=os.environ | variables), keep_leftovers=True)
        if isinstance(found, NotStarted):
            raise DriverError(f"{self.argv[0]!r} {found.reason}")
        if found != 0:
            raise DriverError(f"{self.label} ended {describe_exit(found)}")

    async def stop(self) -> None:
        raise DriverError(f"{self.label} only restarts")

    async def wait_for_end(self, incarnation: Incarnation) -> None:  # noqa: ARG002 - there is one for ever: no end is seen
        await anyio.sleep_forever()
