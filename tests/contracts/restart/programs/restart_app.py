"""The restart command of the contract: stops the process, and waits until the next one is started.

    python -I -S restart_app.py FOLDER

FOLDER/pid holds the pid of the process. While FOLDER/hang exists, the command hangs. It exits with 1 if the
process is not started again.
"""

# ruff: noqa: PTH110, PTH118, PTH123 - pathlib takes as long to import as all the rest

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

POLL_INTERVAL = 0.02
STOP_TIMEOUT = 2.0
"""Seconds from SIGTERM to SIGKILL."""
START_TIMEOUT = 3.0
"""Seconds in which the next process has to be started."""

folder = sys.argv[1]


def read_pid() -> int:
    with open(os.path.join(folder, "pid")) as file:
        return int(file.read())


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_INTERVAL)
    return True


while os.path.exists(os.path.join(folder, "hang")):
    time.sleep(POLL_INTERVAL)
try:
    before = read_pid()
except FileNotFoundError:
    sys.exit(1)
for signum in (signal.SIGTERM, signal.SIGKILL):
    with suppress(ProcessLookupError):
        os.kill(before, signum)
    if within(STOP_TIMEOUT, lambda: not is_running(before)):
        break
sys.exit(0 if within(START_TIMEOUT, lambda: read_pid() != before) else 1)
