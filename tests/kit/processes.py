"""What tests ask of real processes. A wait is for a condition, with a deadline, never for a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import anyio

DEADLINE = 20.0

PYTHON = (sys.executable, "-I", "-S")
"""A Python for helper programs. Its coverage is not measured: that would catch their SIGTERM."""


async def poll_until(condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Return once ``condition()`` holds; fail past the deadline."""
    with anyio.fail_after(deadline):
        while not condition():  # noqa: ASYNC110  a condition outside this process sets no event
            await anyio.sleep(0.005)


async def read_pid(path: Path) -> int:
    """The number that a process writes into ``path``, and a newline after it."""
    await poll_until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def is_alive(pid: int) -> bool:
    """Whether process ``pid`` runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


async def open_fifo(fifo: Path) -> None:
    """Let the process go on that does ``read _ < fifo``, once it has come that far."""

    def opened() -> bool:
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    await poll_until(opened)
