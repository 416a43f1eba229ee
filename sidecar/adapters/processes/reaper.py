"""PID 1's other duty: reap the orphans that the kernel hands to it."""

from __future__ import annotations

import os
import signal
from typing import NoReturn

import anyio

from sidecar.adapters.processes import procfs
from sidecar.adapters.processes.launch import tracked_pids


def must_reap() -> bool:
    """Whether orphans come to this process: it is the first one of its container."""
    return os.getpid() == 1


async def reap_forever() -> NoReturn:
    """Reap each orphan once it dies. Run it in the main thread, in one task only."""
    with anyio.open_signal_receiver(signal.SIGCHLD) as signals:
        # Those that died before the signal was caught.
        reap_orphans()
        async for _ in signals:
            reap_orphans()
    raise AssertionError("a signal receiver never ends")


def reap_orphans() -> int:
    """Reap every dead child that was not launched here; how many there were.

    The exit status of those that were launched is left for `launch.exit_code`: a first look leaves
    the child as it is (WNOWAIT). One of ours that has not been reaped yet hides the others from
    that look, so then each process is asked for by its number.
    """
    tracked = tracked_pids()
    reaped = 0
    while (dead := _some_dead_child()) is not None:
        if dead in tracked:
            return reaped + sum(_reap(pid) for pid in procfs.pids() if pid not in tracked)
        reaped += _reap(dead)
    return reaped


def _some_dead_child() -> int | None:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return found.si_pid if found else None


def _reap(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG) is not None
    except ChildProcessError:
        return False
