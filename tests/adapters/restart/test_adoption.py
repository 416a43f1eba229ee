"""A sidecar that was killed leaves its process running; its next execution adopts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.processes import procfs
from sidecar.adapters.restart.adoption import find_launched
from sidecar.adapters.restart.saved_state import LaunchRecord, launch_record_file
from sidecar.domain.node.process import NotLaunched
from sidecar.domain.servers import ServerList
from tests.adapters.restart.conftest import MakeChild, exited, pid_of, running
from tests.kit.processes import is_alive, open_fifo, poll_until, read_pid

pytestmark = pytest.mark.anyio

SERVERS = ServerList.parse(["http://localhost:9001", "http://localhost:9004"])

PREVIOUS_SIDECAR = """
import sys
from pathlib import Path
import anyio
from sidecar.adapters.processes.launch import Command
from sidecar.adapters.restart.child import Child
from sidecar.domain.servers import ServerList

async def main(script, *urls):
    folder = Path.cwd()
    command = Command(("/bin/sh", "-c", script), folder)
    child = Child(command, folder=folder / "state", jitter=lambda: 0.5)
    await child.start(ServerList.parse(urls))
    print(child.state.pid, flush=True)
    while True:
        await child.wait_for_change()
        (folder / "noticed").write_text(f"{child.state.pid}\\n")

anyio.run(main, *sys.argv[1:])
"""


def killed_sidecar(folder: Path, script: str, wait_for: str | None = None) -> int:
    """Let a sidecar start ``script``, kill the sidecar with -9, and return the process's number."""
    argv = [sys.executable, "-c", PREVIOUS_SIDECAR, script, *SERVERS.texts()]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(argv, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as sidecar:
        assert sidecar.stdout is not None
        pid = int(sidecar.stdout.readline())
        if wait_for is not None:
            anyio.run(read_pid, folder / wait_for)
        sidecar.kill()
    return pid


def rewrite_record(folder: Path, **changes: object) -> None:
    path = folder / "state/child-process.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


async def until_dead(pid: int) -> None:
    await poll_until(lambda: not is_alive(pid))


@pytest.fixture
def script() -> str:
    return "exec sleep 1000"


@pytest.fixture
def orphan(tmp_path: Path, script: str) -> int:
    """The process of a sidecar that was killed."""
    return killed_sidecar(tmp_path, script)


@pytest.fixture(autouse=True)
async def nothing_left(tmp_path: Path, orphan: int, anyio_backend: str) -> object:
    yield
    try:
        os.killpg(orphan, signal.SIGKILL)
    except ProcessLookupError:
        return


async def test_a_process_that_outlived_its_sidecar_is_taken_over_as_it_is(
    make_child: MakeChild, script: str, orphan: int
) -> None:
    child = make_child(script)
    assert child.adopt()
    assert pid_of(child) == orphan
    assert running(child).loaded == SERVERS
    assert anyio.current_time() - 60 < running(child).started_at <= anyio.current_time() + 0.1
    assert is_alive(orphan)


async def test_an_adopted_process_is_stopped_whole(make_child: MakeChild, script: str, orphan: int) -> None:
    child = make_child(script)
    assert child.adopt()
    await child.stop()
    assert child.state == NotLaunched()
    assert not is_alive(orphan)
    assert child.last_exit is None


async def test_an_adopted_process_that_dies_is_seen_with_an_unknown_code(
    make_child: MakeChild, script: str, orphan: int
) -> None:
    child = make_child(script)
    assert child.adopt()
    async with anyio.create_task_group() as group:
        group.start_soon(child.wait_for_change)
        os.kill(orphan, signal.SIGTERM)
    assert exited(child).code is None
    assert exited(child).failures == 1


async def test_it_can_be_taken_over_again_and_again(make_child: MakeChild, script: str, orphan: int) -> None:
    for _ in range(3):
        child = make_child(script)
        assert child.adopt()
        assert pid_of(child) == orphan


async def test_a_process_with_the_same_number_and_another_start_is_unrelated(
    make_child: MakeChild, script: str, orphan: int, tmp_path: Path
) -> None:
    started = json.loads((tmp_path / "state/child-process.json").read_text())["start_ticks"]
    rewrite_record(tmp_path, start_ticks=started - 1, session_start_ticks=started - 1)
    child = make_child(script)
    assert not child.adopt()
    await child.start(SERVERS)
    assert is_alive(orphan)


async def test_a_process_of_another_boot_is_unrelated(
    make_child: MakeChild, script: str, orphan: int, tmp_path: Path
) -> None:
    rewrite_record(tmp_path, boot_id="another boot")
    child = make_child(script)
    assert not child.adopt()
    await child.start(SERVERS)
    assert is_alive(orphan)


async def test_a_process_of_another_session_is_unrelated(
    make_child: MakeChild, script: str, orphan: int, tmp_path: Path
) -> None:
    rewrite_record(tmp_path, session_id=orphan + 1)
    assert not make_child(script).adopt()


@pytest.mark.parametrize("session", [0, 1, os.getsid(0), -1])
async def test_no_memory_makes_the_sidecar_end_itself_or_init(
    session: int, make_child: MakeChild, script: str, tmp_path: Path
) -> None:
    rewrite_record(tmp_path, session_id=session, pid=os.getpid())
    child = make_child(script)
    assert not child.adopt()
    await child.stop()


async def test_a_process_of_another_command_is_ended_before_the_start(
    make_child: MakeChild, orphan: int
) -> None:
    child = make_child("exec sleep 2000")
    assert not child.adopt()
    assert child.state == NotLaunched()
    assert is_alive(orphan)
    await child.start(SERVERS)
    running(child)
    assert not is_alive(orphan)


@pytest.mark.parametrize("script", ["sleep 1000 & echo $! > member; wait"])
async def test_members_whose_leader_is_gone_are_ended_before_the_start(
    make_child: MakeChild, script: str, orphan: int, tmp_path: Path
) -> None:
    member = await read_pid(tmp_path / "member")
    os.kill(orphan, signal.SIGKILL)
    await until_dead(orphan)
    (tmp_path / "member").unlink()
    child = make_child(script)
    assert not child.adopt()
    assert is_alive(member)
    await child.start(SERVERS)
    assert not is_alive(member)
    assert await read_pid(tmp_path / "member") != member


@pytest.mark.parametrize("script", ["sleep 1000 & echo $! > member; wait"])
async def test_a_script_that_waits_is_adopted_whole(
    make_child: MakeChild, script: str, orphan: int, tmp_path: Path
) -> None:
    member = await read_pid(tmp_path / "member")
    child = make_child(script)
    assert child.adopt()
    await child.stop()
    assert not is_alive(orphan)
    assert not is_alive(member)


async def test_a_process_that_is_gone_for_good_is_forgotten(
    make_child: MakeChild, script: str, orphan: int, tmp_path: Path
) -> None:
    os.kill(orphan, signal.SIGKILL)
    await until_dead(orphan)
    assert not make_child(script).adopt()
    assert not (tmp_path / "state/child-process.json").exists()


async def test_whom_a_launcher_left_behind_is_taken_over_too(make_child: MakeChild, tmp_path: Path) -> None:
    folder = tmp_path / "launcher"
    folder.mkdir()
    os.mkfifo(folder / "gate")
    script = "sh -c 'read _ < gate; exec sleep 1000' & echo $! > member; exit 0"
    with anyio.fail_after(20):
        await anyio.to_thread.run_sync(killed_sidecar, folder, script, "noticed")
    member = await read_pid(folder / "member")
    (tmp_path / "state/child-process.json").write_bytes((folder / "state/child-process.json").read_bytes())
    child = make_child(script)
    assert child.adopt()
    assert pid_of(child) == member
    await open_fifo(folder / "gate")
    await child.stop()
    assert not is_alive(member)


async def test_leftovers_of_a_successor_are_found_behind_a_zombie(tmp_path: Path) -> None:
    script = "sleep 0.1; sleep 1000 & echo $! > successor; sleep 1000 & echo $! > other; exit 0"
    argv = ("/bin/sh", "-c", script)
    # No process of the loop's, which would reap it.
    with subprocess.Popen(argv, cwd=tmp_path, start_new_session=True) as launcher:  # noqa: ASYNC220
        began = procfs.start_ticks(launcher.pid)
        successor, other = await read_pid(tmp_path / "successor"), await read_pid(tmp_path / "other")
        await until_dead(launcher.pid)
        started = procfs.start_ticks(successor)
        assert began is not None
        assert started is not None
        assert started > began
        memory = launch_record_file(tmp_path / "memory")
        memory.write(
            LaunchRecord(successor, started, procfs.boot_id(), launcher.pid, (script,), SERVERS, began)
        )
        os.kill(successor, signal.SIGKILL)
        await until_dead(successor)
        try:
            found = find_launched(memory, (script,))
            assert found is not None
            assert found.pidfd is None
            assert found.session.id == launcher.pid
        finally:
            os.kill(other, signal.SIGKILL)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": true}', "\xff", "null"])
async def test_a_memory_that_makes_no_sense_is_ignored(
    text: str, make_child: MakeChild, script: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state/child-process.json").write_text(text, encoding="latin-1")
    assert not make_child(script).adopt()
    assert "process record ignored" in caplog.text


async def test_without_a_memory_there_is_nothing_to_adopt(
    make_child: MakeChild, script: str, tmp_path: Path
) -> None:
    (tmp_path / "state/child-process.json").unlink()
    assert not make_child(script).adopt()


async def test_a_process_that_was_stopped_is_not_remembered(
    make_child: MakeChild, script: str, tmp_path: Path
) -> None:
    child = make_child(script)
    await child.start(SERVERS)
    assert (tmp_path / "state/child-process.json").exists()
    await child.stop()
    assert not (tmp_path / "state/child-process.json").exists()
    assert not make_child(script).adopt()
