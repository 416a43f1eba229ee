"""What ``/proc`` says of processes; see proc(5)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
# Fields 4 and 22 of /proc/<pid>/stat, counted from the state (field 3), the first after the name's
# parenthesis.
_PARENT_FIELD = 4 - 3
_START_TIME_FIELD = 22 - 3


def pids() -> Iterator[int]:
    """The pid of every visible process, the lowest first."""
    for name in os.listdir(_PROC):  # noqa: PTH208 - names are enough; a Path each takes ten times as long
        if name.isdigit():
            yield int(name)


def start_ticks(pid: int) -> int | None:
    """When process ``pid`` started, in clock ticks since boot; None without even a zombie of it.

    Together with the boot it names a process for good: its number alone is used again.
    """
    fields = _stat_fields(pid)
    return int(fields[_START_TIME_FIELD]) if fields else None


def ancestors(pid: int) -> list[int]:
    """Process ``pid``, its parent, and so on, as far as they are visible."""
    found: list[int] = []
    while pid and pid not in found:
        found.append(pid)
        fields = _stat_fields(pid)
        pid = int(fields[_PARENT_FIELD]) if fields else 0
    return found


def command_line(pid: int) -> list[str]:
    """The words that ``pid`` was executed with; none of a kernel thread, a zombie, or where it is gone."""
    try:
        data = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [word.decode(errors="replace") for word in data.rstrip(b"\0").split(b"\0") if data]


def _stat_fields(pid: int) -> list[bytes]:
    """The fields of /proc/<pid>/stat from the state on; none where there is not even a zombie."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return []
    # The name, in parentheses, may hold spaces and parentheses of its own.
    return stat[stat.rindex(b")") + 2 :].split()


def age_of(ticks: int) -> float:
    """Seconds since a process started whose `start_ticks` are ``ticks``."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def boot_id() -> str:
    """What distinguishes this boot, and this container's PID namespace, from all others."""
    kernel_boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{kernel_boot} {(_PROC / 'self/ns/pid').readlink()}"
