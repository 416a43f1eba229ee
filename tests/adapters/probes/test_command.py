"""The probe that runs a command."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.probes.command import ExecProbe
from sidecar.adapters.processes.launch import tracked_pids
from sidecar.domain.node.health import Health
from tests.kit.processes import is_alive, read_pid

pytestmark = pytest.mark.anyio


async def test_a_command_that_exits_with_0_is_healthy() -> None:
    assert await ExecProbe(("true",)).check() == Health(True, "exec:true exits with 0")


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -TERM $$", 143)])
async def test_a_command_that_exits_with_anything_else_is_not(script: str, code: int) -> None:
    health = await ExecProbe(("sh", "-c", script)).check()
    assert health == Health(False, f"exec:sh exits with {code}")


async def test_a_command_that_is_not_there_is_not_healthy() -> None:
    health = await ExecProbe(("no-such-command-anywhere",)).check()
    assert not health.healthy
    assert "it is not in PATH" in health.reason


async def test_a_command_that_takes_too_long_is_killed_whole(tmp_path: Path) -> None:
    script = f"trap '' TERM; sleep 1000 & echo $! > {tmp_path}/member; wait"
    probe = ExecProbe(("sh", "-c", script), timeout=5.0)
    async with anyio.create_task_group() as group:
        answers: list[Health] = []

        async def check() -> None:
            answers.append(await probe.check())

        group.start_soon(check)
        member = await read_pid(tmp_path / "member")
    assert answers == [Health(False, "exec:sh takes longer than 5 s; it was killed")]
    assert not is_alive(member)
    assert not tracked_pids()


async def test_a_check_that_is_cancelled_leaves_no_command_behind(tmp_path: Path) -> None:
    script = f"echo $$ > {tmp_path}/leader; exec sleep 1000"
    async with anyio.create_task_group() as group:
        group.start_soon(ExecProbe(("sh", "-c", script), timeout=60).check)
        leader = await read_pid(tmp_path / "leader")
        group.cancel_scope.cancel()
    assert not is_alive(leader)
    assert not tracked_pids()


async def test_what_a_command_leaves_behind_is_killed(tmp_path: Path) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/member"
    assert (await ExecProbe(("sh", "-c", script)).check()).healthy
    assert not is_alive(await read_pid(tmp_path / "member"))


async def test_a_command_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    script = "print('out'); import sys; print('err', file=sys.stderr)"
    assert (await ExecProbe((sys.executable, "-c", script), timeout=20).check()).healthy
    assert capfd.readouterr() == ("", "")
