"""The restart command of the contract: ends the process, and waits for the one after it.

    python -I -S restart_app.py FOLDER

FOLDER/pid holds the number of the process. While FOLDER/hang exists it does nothing, for ever. Exits with 1
where nobody starts the process again.
"""

# ruff: noqa: PTH110, PTH118, PTH123 - pathlib takes as long to import as all the rest

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

PAUSE = 0.02
GRACE = 2.0
"""Seconds from SIGTERM to SIGKILL."""
SUCCESSOR = 3.0
"""Seconds until the next process has to have been started."""

folder = sys.argv[1]


def number() -> int:
    with open(os.path.join(folder, "pid")) as file:
        return int(file.read())


def runs(pid: int) -> bool:
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
        time.sleep(PAUSE)
    return True


while os.path.exists(os.path.join(folder, "hang")):
    time.sleep(PAUSE)
try:
    before = number()
except FileNotFoundError:
    sys.exit(1)
for signum in (signal.SIGTERM, signal.SIGKILL):
    with suppress(ProcessLookupError):
        os.kill(before, signum)
    if within(GRACE, lambda: not runs(before)):
        break
sys.exit(0 if within(SUCCESSOR, lambda: number() != before) else 1)
