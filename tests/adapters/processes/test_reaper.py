"""Orphans come to PID 1; here to a process that asked for them (a child subreaper, prctl(2))."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


SUBREAPER = """
import ctypes, json, os, sys
from pathlib import Path
import anyio
from sidecar.adapters.processes import procfs
from sidecar.adapters.processes.launch import Command, tracked_pids
from sidecar.adapters.restart.child import Child
from sidecar.adapters.processes.reaper import reap_forever
from sidecar.domain.node.process import Exited
from sidecar.domain.servers import ServerList
from tests.kit.processes import open_fifo, poll_until, read_pid

PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0

def stat(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "gone", ""

def zombies():
    # Orphans that are not reaped: dead children, except for the process itself.
    ours = {pid for pid in procfs.pids() if stat(pid)[1] == str(os.getpid())} - tracked_pids()
    return [pid for pid in ours if stat(pid)[0] == "Z"]

async def main(backend, script):
    folder = Path.cwd()
    child = Child(Command(("/bin/sh", "-c", script)), folder=folder / "state", jitter=lambda: 0.5)
    async with anyio.create_task_group() as group:
        group.start_soon(reap_forever)
        await child.start(ServerList.parse([]))
        orphan = await read_pid(folder / "orphan")
        await child.wait_for_change()
        state = type(child.state).__name__
        code = getattr(child.state, "code", "none")
        parent = int(stat(orphan)[1])
        await open_fifo(folder / "gate")
        await poll_until(lambda: not Path(f"/proc/{orphan}").exists())
        await poll_until(lambda: not zombies())
        group.cancel_scope.cancel()
    await child.stop()
    print(json.dumps({"state": state, "code": code, "mine": parent == os.getpid()}))

anyio.run(main, *sys.argv[1:], backend=sys.argv[1])
"""

# It leaves the session, so only the subreaper can reap it once its parent is gone.
ORPHAN = "setsid sh -c 'read _ < gate' & echo $! > orphan;"


def run_subreaper(folder: Path, backend: str, script: str) -> dict[str, object]:
    os.mkfifo(folder / "gate")
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    argv = [sys.executable, "-c", SUBREAPER, backend, script]
    done = subprocess.run(argv, cwd=folder, env=env, stdout=subprocess.PIPE, timeout=60, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_orphans_are_reaped_but_not_the_process_itself(tmp_path: Path, anyio_backend: str) -> None:
    found = run_subreaper(tmp_path, anyio_backend, f"{ORPHAN} exit 3")
    assert found == {"state": "Exited", "code": 3, "mine": True}


def test_orphans_are_reaped_behind_a_launcher_that_is_not_reaped_yet(
    tmp_path: Path, anyio_backend: str
) -> None:
    # The launcher stays a zombie, and the first child that is found dead, as long as its successor
    # runs.
    found = run_subreaper(tmp_path, anyio_backend, f"{ORPHAN} sleep 1000 & exit 0")
    assert found == {"state": "Running", "code": "none", "mine": True}


@pytest.mark.parametrize("deaths", [50])
def test_many_deaths_at_once_leave_no_zombie(tmp_path: Path, anyio_backend: str, deaths: int) -> None:
    # One SIGCHLD may stand for many of them.
    die = "setsid sh -c 'exit 1' & i=$((i + 1))"
    script = f"i=0; while [ $i -lt {deaths} ]; do {die}; done; {ORPHAN} exit 3"
    found = run_subreaper(tmp_path, anyio_backend, script)
    assert found == {"state": "Exited", "code": 3, "mine": True}
