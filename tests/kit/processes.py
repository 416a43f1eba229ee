"""Real processes: whether they run, and waiting for what they do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import anyio

DEADLINE = 20.0

PYTHON = (sys.executable, "-I", "-S")
"""A Python for helper programs. Their coverage is not measured: that would catch their SIGTERM."""


async def poll_until(condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Return once ``condition()`` holds; fail past the deadline."""
    with anyio.fail_after(deadline):
        while not condition():  # noqa: ASYNC110  a condition outside this process sets no event
            await anyio.sleep(0.005)


async def read_pid(path: Path) -> int:
    """The pid that a process writes into ``path``, followed by a newline."""
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
    """Release a process that waits in ``read _ < fifo``, once it has got that far."""

    def opened() -> bool:
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    await poll_until(opened)
