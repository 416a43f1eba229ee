"""The sidecar as the first process of a container: a pid namespace of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.kit.network import Network
from tests.kit.node import Node
from tests.kit.prerequisites import require

UNSHARE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def start_as_pid_one(node: Node, command: str) -> None:
    """Start its sidecar as PID 1, next to ``sh -c command``; ``{app}`` is the node's process."""
    shell = ("sh", "-c", command.format(app=" ".join(node.app)))
    node.start(command=shell, under=UNSHARE)


def test_orphans_are_reaped_and_the_process_still_stops(network: Network) -> None:
    works = subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode == 0
    require(works, "leave to make a pid namespace")
    (one,) = network.servers(1)
    one.configure_app(exit_code=7)
    start_as_pid_one(one, "(setsid sleep 1000 &); (setsid sleep 1001 &); exec {app}")
    network.wait(lambda: one.events("listening"), "its process listens")
    (sidecar,) = children(one.sidecar.pid)

    def orphans() -> list[int]:
        return [pid for pid in children(sidecar) if command_of(pid).startswith("sleep ")]

    (first, second) = network.wait(lambda: len(found := orphans()) == 2 and found, "both are its children")
    for orphan in (first, second):
        os.kill(orphan, signal.SIGKILL)
    network.wait(
        lambda: not Path(f"/proc/{first}").exists() and not Path(f"/proc/{second}").exists(),
        "they have ended, and no zombie is left of them",
    )
    one.wait_for_phase("running")
    assert len(one.starts) == 1
    os.kill(sidecar, signal.SIGTERM)
    assert one.wait_for_exit() == 7, "the exit code is the process's own"
