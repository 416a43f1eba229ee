"""What a process costs, as the kernel counts it."""

from __future__ import annotations

import time
from pathlib import Path

# clock_getcpuclockid(3): the CPU clock of a whole process, threads that have ended included, in nanoseconds.
# /proc/<pid>/stat has the same in ticks of 10 ms, which is more than a sidecar at rest uses in a minute.
_CPUCLOCK_SCHED = 2


def cpu_seconds(pid: int) -> float:
    """User and system time that process ``pid`` has used so far."""
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def resident_mib(pid: int) -> tuple[float, float]:
    """RSS, and PSS: the same with shared pages divided among who shares them."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = {line.split()[0]: float(line.split()[1]) / 1024 for line in rollup.splitlines()[1:]}
    return sizes["Rss:"], sizes["Pss:"]
