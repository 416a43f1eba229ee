"""What ``/proc`` says of processes; see proc(5)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
# Field 22 of /proc/<pid>/stat, counted from the state (field 3), the first after the name's
# parenthesis.
_START_TIME = 22 - 3


def pids() -> Iterator[int]:
    """The number of every process in sight, the lowest first."""
    for name in os.listdir(_PROC):  # noqa: PTH208 - names are enough; a Path each takes ten times as long
        if name.isdigit():
            yield int(name)


def start_ticks(pid: int) -> int | None:
    """When process ``pid`` started, in clock ticks since boot; None without even a zombie of it.

    Together with the boot it names a process for good: its number alone is used again.
    """
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The name, in parentheses, may hold spaces and parentheses of its own.
    return int(stat[stat.rindex(b")") + 2 :].split()[_START_TIME])


def age(ticks: int) -> float:
    """Seconds since a process started whose `start_ticks` are ``ticks``."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def boot() -> str:
    """What tells this boot, and this container's own set of process numbers, from all others."""
    boot_id = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot_id} {(_PROC / 'self/ns/pid').readlink()}"
