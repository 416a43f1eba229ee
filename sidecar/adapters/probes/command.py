"""Healthy is whose command exits with 0."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from sidecar.adapters.processes.launch import Command, NotStarted, exit_code, launch, reap
from sidecar.adapters.processes.pidfd import Pidfd
from sidecar.adapters.processes.session import Session
from sidecar.domain.node.health import Health


@dataclass(frozen=True, slots=True)
class ExecProbe:
    """Runs ``argv``, silently; what it leaves behind, or what overstays ``timeout``, is killed."""

    argv: tuple[str, ...]
    timeout: float = 2.0

    async def check(self) -> Health:
        what = f"exec:{self.argv[0]}"
        found = launch(Command(self.argv), quiet=True)
        if isinstance(found, NotStarted):
            return Health(False, f"{what} {found.reason}")
        try:
            with anyio.move_on_after(self.timeout):
                await found.wait()
            code = exit_code(found.pid)
        finally:
            with anyio.CancelScope(shield=True):
                await _kill_session(found)
        if code is None:
            return Health(False, f"{what} takes longer than {self.timeout:g} s; it was killed")
        return Health(code == 0, f"{what} exits with {code}")


async def _kill_session(process: Pidfd) -> None:
    if await Session(process.pid).kill():
        reap(process.pid)
    process.close()
