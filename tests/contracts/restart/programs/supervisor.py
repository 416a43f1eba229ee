"""Whoever launches the process in place of the sidecar, and starts it again whenever it ends: a kubelet.

    python -I -S supervisor.py FOLDER COMMAND...

FOLDER/pid holds the number of the process. While FOLDER/away exists nothing is started.
"""

# ruff: noqa: PTH105, PTH110, PTH118, PTH123 - pathlib takes as long to import as all the rest

import os
import sys
import time

# Between a death and the next start, and between two looks whether it may be started.
PAUSE = 0.1

folder, *command = sys.argv[1:]


def keep(pid: int) -> None:
    """Write the number, whole or not at all."""
    path = os.path.join(folder, "pid")
    with open(path + ".new", "w") as file:
        file.write(f"{pid}\n")
    os.replace(path + ".new", path)


while True:
    while os.path.exists(os.path.join(folder, "away")):
        time.sleep(PAUSE)
    child = os.posix_spawn(command[0], command, os.environ)
    keep(child)
    os.waitpid(child, 0)
    time.sleep(PAUSE)
