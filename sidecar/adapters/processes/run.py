"""Run a command to its end."""

from __future__ import annotations

import os
from dataclasses import dataclass

import anyio

from sidecar.adapters.processes.launch import Command, NotStarted, exit_code, launch, reap
from sidecar.adapters.processes.session import Session

# Bytes of a command's output that are read.
_MAX_OUTPUT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class CommandOutput:
    """``code`` is as a shell gives it: 128 + n for signal n."""

    code: int
    out: str
    err: str


async def run(
    command: Command,
    *,
    quiet: bool = False,
    out: int | None = None,
    err: int | None = None,
    keep_leftovers: bool = False,
) -> int | NotStarted | None:
    """Run ``command`` to its end, and return its exit code; None if it was reaped elsewhere.

    Cancelled, it is killed with everything that it started. What it leaves running at its own end is killed
    too, unless ``keep_leftovers``. ``quiet``, ``out`` and ``err`` are those of `launch`.
    """
    process = launch(command, quiet=quiet, out=out, err=err)
    if isinstance(process, NotStarted):
        return process
    code = None
    try:
        await process.wait()
        code = exit_code(process.pid)
    finally:
        with anyio.CancelScope(shield=True):
            has_ended = code is not None
            if (keep_leftovers and has_ended) or await Session(process.pid).kill():
                reap(process.pid)
            process.close()
    return code


async def capture(command: Command) -> CommandOutput | NotStarted:
    """Run ``command``, and return what it wrote; see `run`."""
    # Files and not pipes: nothing has to read along, and a leftover that keeps one open is not waited for.
    out, err = os.memfd_create("stdout"), os.memfd_create("stderr")
    try:
        code = await run(command, quiet=True, out=out, err=err)
        if isinstance(code, NotStarted):
            return code
        if code is None:
            raise RuntimeError(f"another part of the sidecar reaped {command.argv[0]}")
        return CommandOutput(code, _read(out), _read(err))
    finally:
        os.close(out)
        os.close(err)


def _read(fd: int) -> str:
    return os.pread(fd, _MAX_OUTPUT_BYTES, 0).decode(errors="replace")
