"""The driver ``command``: anything else, restarted by a command that knows how."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import anyio

from sidecar.adapters.processes.launch import Command, NotStarted, describe_exit, exit_code, launch, reap
from sidecar.adapters.processes.session import Session
from sidecar.adapters.restart.driver import Incarnation
from sidecar.domain.errors import DriverError
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class CommandDriver:
    """Runs ``argv``, with the new list in its environment; the process itself is out of sight.

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
        """Nothing tells one life from the next; whether it serves is for the probe to say."""
        return Incarnation("")

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:  # noqa: ARG002 - the command knows what it restarts
        variables = {"SIDECAR_FILE": str(self.file), "SIDECAR_SERVERS": json.dumps(servers.texts())}
        found = launch(Command(self.argv, env=os.environ | variables))
        if isinstance(found, NotStarted):
            raise DriverError(f"{self.argv[0]!r} {found.reason}")
        code = None
        try:
            await found.wait()
            code = exit_code(found.pid)
        finally:
            with anyio.CancelScope(shield=True):
                # What it left running on purpose stays; what was cut off must not go on half done.
                if code is not None or await Session(found.pid).kill():
                    reap(found.pid)
                found.close()
        if code != 0:
            raise DriverError(f"{self.label} ended {describe_exit(code)}")

    async def stop(self) -> None:
        raise DriverError(f"{self.label} only restarts")

    async def wait_for_end(self, incarnation: Incarnation) -> None:  # noqa: ARG002 - there is one for ever: no end is seen
        await anyio.sleep_forever()
