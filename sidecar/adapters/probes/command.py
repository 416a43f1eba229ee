"""The probe ``exec:``: the process is healthy if a command exits with 0."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from sidecar.adapters.processes.launch import Command, NotStarted
from sidecar.adapters.processes.run import run
from sidecar.domain.node.health import Health


@dataclass(frozen=True, slots=True)
class ExecProbe:
    """Runs ``argv`` without output; kills what it leaves running, and what takes longer than ``timeout``."""

    argv: tuple[str, ...]
    timeout: float = 2.0

    async def check(self) -> Health:
        what = f"exec:{self.argv[0]}"
        found: int | NotStarted | None = None
        with anyio.move_on_after(self.timeout):
            found = await run(Command(self.argv), quiet=True)
        if isinstance(found, NotStarted):
            return Health(False, f"{what} {found.reason}")
        if found is None:
            return Health(False, f"{what} takes longer than {self.timeout:g} s; it was killed")
        return Health(found == 0, f"{what} exits with {found}")
