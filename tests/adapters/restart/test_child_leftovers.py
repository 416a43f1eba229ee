"""A process that ends while others of its session live on."""

from __future__ import annotations

import signal
from pathlib import Path

import anyio
import pytest

from sidecar.domain.node.process import Exited, NotLaunched
from sidecar.domain.servers import ServerList
from tests.adapters.restart.conftest import MakeChild, exited, pid_of, running
from tests.kit.processes import DEADLINE, PYTHON, is_alive, open_fifo, poll_until, read_pid

pytestmark = pytest.mark.anyio

SERVERS = ServerList.parse(["http://localhost:9001"])


async def test_who_a_launcher_leaves_behind_is_the_process(make_child: MakeChild, tmp_path: Path) -> None:
    child = make_child("sleep 1000 & echo $! > member; exit 0")
    await child.start(SERVERS)
    member = await read_pid(tmp_path / "member")
    await child.wait_for_change()
    assert pid_of(child) == member
    assert running(child).loaded == SERVERS
    assert is_alive(member)


async def test_who_a_launcher_left_behind_is_stopped_whole(make_child: MakeChild, tmp_path: Path) -> None:
    child = make_child("sleep 1000 & echo $! > one; sleep 1000 & echo $! > two; exit 0")
    await child.start(SERVERS)
    one, two = await read_pid(tmp_path / "one"), await read_pid(tmp_path / "two")
    await child.wait_for_change()
    await child.stop()
    assert child.state == NotLaunched()
    assert not is_alive(one)
    assert not is_alive(two)
    assert child.last_exit is None


async def test_the_process_has_died_once_the_last_one_left_behind_has(
    make_child: MakeChild, tmp_path: Path
) -> None:
    script = "for gate in a b; do mkfifo $gate; sh -c 'read _ < '$gate & done; exit 0"
    child = make_child(script)
    await child.start(SERVERS)
    await child.wait_for_change()
    first = pid_of(child)
    await open_fifo(tmp_path / "a")
    await open_fifo(tmp_path / "b")
    with anyio.fail_after(DEADLINE):
        while not isinstance(child.state, Exited):
            await child.wait_for_change()
    assert not is_alive(first)
    assert exited(child).code is None


async def test_what_a_dead_process_leaves_behind_is_ended_before_the_next_start(
    make_child: MakeChild, tmp_path: Path
) -> None:
    # The second copy looks whether the first one's member still has its number.
    script = (
        "if [ -e member ]; then [ -e /proc/$(cat member)/exe ]; echo $? > looked; exec sleep 1000; fi;"
        "sleep 1000 & echo $! > member; exit 3"
    )
    child = make_child(script)
    await child.start(SERVERS)
    await child.wait_for_change()
    assert exited(child).code == 3
    member = await read_pid(tmp_path / "member")
    assert is_alive(member)
    await child.start(SERVERS)
    running(child)
    assert not is_alive(member)
    assert await read_pid(tmp_path / "looked") == 1


async def test_what_a_dead_process_leaves_behind_is_ended_by_a_stop(
    make_child: MakeChild, tmp_path: Path
) -> None:
    child = make_child("sleep 1000 & echo $! > member; exit 3")
    await child.start(SERVERS)
    await child.wait_for_change()
    await child.stop()
    assert not is_alive(await read_pid(tmp_path / "member"))
    assert child.last_exit == 3


async def test_leftovers_are_ended_while_the_process_waits_for_its_start(
    make_child: MakeChild, tmp_path: Path
) -> None:
    child = make_child("sleep 1000 & echo $! > member; exit 3")
    await child.start(SERVERS)
    await child.wait_for_change()
    member = await read_pid(tmp_path / "member")
    async with anyio.create_task_group() as group:
        group.start_soon(child.wait_for_change)
        await poll_until(lambda: not is_alive(member))
        group.cancel_scope.cancel()
    exited(child)


async def test_a_start_of_what_still_runs_never_makes_a_second_copy(make_child: MakeChild) -> None:
    child = make_child("exec sleep 1000")
    await child.start(SERVERS)
    first = pid_of(child)
    await child.start(SERVERS)
    assert pid_of(child) != first
    assert not is_alive(first)


STUBBORN = """
import os, signal
from pathlib import Path

def asked(*_):
    if Path("asked").exists():
        os._exit(6)
    Path("asked").write_text("1\\n")

signal.signal(signal.SIGTERM, asked)
Path("leader").write_text(f"{os.getpid()}\\n")
while True:
    signal.pause()
"""


async def test_a_cancelled_stop_can_be_finished_by_the_next_one(
    make_child: MakeChild, tmp_path: Path
) -> None:
    child = make_child((*PYTHON, "-c", STUBBORN))
    await child.start(SERVERS)
    leader = await read_pid(tmp_path / "leader")
    async with anyio.create_task_group() as group:
        group.start_soon(child.stop)
        await read_pid(tmp_path / "asked")
        group.cancel_scope.cancel()
    assert is_alive(leader)
    assert pid_of(child) == leader
    await child.stop()
    assert not is_alive(leader)
    assert child.last_exit == 6


async def test_a_stop_during_a_restart_has_the_last_word(make_child: MakeChild) -> None:
    child = make_child("exec sleep 1000")
    await child.start(SERVERS)
    async with anyio.create_task_group() as group:
        group.start_soon(child.start, SERVERS)
        await anyio.lowlevel.checkpoint()
        group.start_soon(child.stop)
    assert child.state == NotLaunched()
    assert child.last_exit == 128 + signal.SIGTERM
