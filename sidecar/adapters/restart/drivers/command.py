"""The driver ``command``: anything else, restarted by a command that knows how."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import anyio

from sidecar.adapters.processes.launch import Command, NotStarted, describe_exit, exit_code, launch, reap
from sidecar.adapters.processes.session import Session
from sidecar.adapters.restart.drivers.driver import Life
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class CommandDriver:
    """Runs ``argv``, with the new list in its environment; the process itself is out of sight.

    ``SIDECAR_FILE`` is the file's path, ``SIDECAR_SERVERS`` the list as JSON. When the time limit cuts it
    off, all that it started is killed.
    """

    argv: tuple[str, ...]
    file: Path
    replaces: bool = False
    keeps_stopped: bool = False

    @property
    def what(self) -> str:
        return f"the command {self.argv[0]}"

    async def look(self) -> Life | None:
        """Nothing tells one life from the next; whether it serves is for the probe to say."""
        return Life("")

    async def restart(self, life: Life | None, servers: ServerList) -> None:  # noqa: ARG002 - the command knows what it restarts
        told = {"SIDECAR_FILE": str(self.file), "SIDECAR_SERVERS": json.dumps(servers.texts())}
        found = launch(Command(self.argv, env=os.environ | told))
        if isinstance(found, NotStarted):
            raise DriverTrouble(f"{self.argv[0]!r} {found.reason}")
        code = None
        try:
            await found.ended()
            code = exit_code(found.pid)
        finally:
            with anyio.CancelScope(shield=True):
                # What it left running on purpose stays; what was cut off must not go on half done.
                if code is not None or await Session(found.pid).kill():
                    reap(found.pid)
                found.close()
        if code != 0:
            raise DriverTrouble(f"{self.what} ended {describe_exit(code)}")

    async def stop(self) -> None:
        raise DriverTrouble(f"{self.what} only restarts")

    async def ended(self, life: Life) -> None:  # noqa: ARG002 - there is one for ever: no end is seen
        await anyio.sleep_forever()
