"""Launches the process in place of the sidecar, and starts it again whenever it exits, as a kubelet does.

    python -I -S supervisor.py FOLDER COMMAND...

FOLDER/pid holds the pid of the process. While FOLDER/away exists, nothing is started.
"""

# ruff: noqa: PTH105, PTH110, PTH118, PTH123 - pathlib takes as long to import as all the rest

import os
import sys
import time

PAUSE = 0.1
"""Seconds between an exit and the next start, and between two checks of FOLDER/away."""

folder, *command = sys.argv[1:]


def write_pid(pid: int) -> None:
    """Write FOLDER/pid atomically."""
    path = os.path.join(folder, "pid")
    with open(path + ".new", "w") as file:
        file.write(f"{pid}\n")
    os.replace(path + ".new", path)


while True:
    while os.path.exists(os.path.join(folder, "away")):
        time.sleep(PAUSE)
    child = os.posix_spawn(command[0], command, os.environ)
    write_pid(child)
    os.waitpid(child, 0)
    time.sleep(PAUSE)
