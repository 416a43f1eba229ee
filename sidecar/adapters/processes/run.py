"""Run a command to its end for what it says."""

from __future__ import annotations

import os
from dataclasses import dataclass

import anyio

from sidecar.adapters.processes.launch import Command, NotStarted, exit_code, launch, reap
from sidecar.adapters.processes.pidfd import Pidfd
from sidecar.adapters.processes.session import Session

# What a command says beyond this is not read; bytes.
_MAX_OUTPUT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """``code`` is as a shell gives it: 128 + n for signal n."""

    code: int
    out: str
    err: str


async def capture(command: Command) -> CommandOutput | NotStarted:
    """Run ``command`` and return what it wrote. Cancelled, it is killed with all that it started."""
    # Files and not pipes: nobody has to read along, and nobody who keeps one open is waited for.
    out, err = os.memfd_create("stdout"), os.memfd_create("stderr")
    try:
        found = launch(command, quiet=True, out=out, err=err)
        if isinstance(found, NotStarted):
            return found
        code = await _wait_and_reap(found)
        return CommandOutput(code, _read(out), _read(err))
    finally:
        os.close(out)
        os.close(err)


async def _wait_and_reap(process: Pidfd) -> int:
    try:
        await process.wait()
        code = exit_code(process.pid)
    finally:
        with anyio.CancelScope(shield=True):
            if await Session(process.pid).kill():
                reap(process.pid)
            process.close()
    if code is None:
        raise RuntimeError(f"somebody else reaped child {process.pid}")
    return code


def _read(fd: int) -> str:
    return os.pread(fd, _MAX_OUTPUT_BYTES, 0).decode(errors="replace")
