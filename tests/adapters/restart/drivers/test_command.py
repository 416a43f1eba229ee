"""The command driver, with real commands."""

from __future__ import annotations

import json
import os
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.processes.launch import tracked_pids
from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.drivers.command import CommandDriver
from sidecar.domain.errors import DriverError
from tests.builders import servers
from tests.kit.processes import is_alive, poll_until, read_pid

pytestmark = pytest.mark.anyio

LIST = servers(9000, 9001)
DESCRIPTORS = Path("/proc/self/fd")


def running(script: str, folder: Path) -> CommandDriver:
    return CommandDriver(("/bin/sh", "-c", f"cd {folder}; {script}"), folder / "federated.json")


async def error_of(driver: CommandDriver) -> str:
    with pytest.raises(DriverError) as caught:
        await driver.restart(Incarnation(""), LIST)
    return str(caught.value)


async def test_a_command_that_ends_well_has_restarted_it(tmp_path: Path) -> None:
    await running("echo 1 > done", tmp_path).restart(Incarnation(""), LIST)
    assert (tmp_path / "done").exists()


async def test_the_command_gets_the_file_and_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_SIDECAR", "kept")
    await running("env > env", tmp_path).restart(Incarnation(""), LIST)
    output = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert output["SIDECAR_FILE"] == str(tmp_path / "federated.json")
    assert json.loads(output["SIDECAR_SERVERS"]) == LIST.texts()
    assert output["OF_THE_SIDECAR"] == "kept"
    assert "SIDECAR_SERVERS" not in os.environ


@pytest.mark.parametrize(
    ("script", "said"), [("exit 3", "with exit code 3"), ("kill -KILL $$", "by SIGKILL")]
)
async def test_one_that_ends_badly_says_how(tmp_path: Path, script: str, said: str) -> None:
    assert await error_of(running(script, tmp_path)) == f"the command /bin/sh ended {said}"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("no-such-command-anywhere", "it is not in PATH"),
        ("./no-such-file.sh", "there is no such file"),
        ("/etc", "cannot be executed"),
    ],
)
async def test_one_that_cannot_be_run_says_why(tmp_path: Path, program: str, said: str) -> None:
    output = await error_of(CommandDriver((program,), tmp_path / "federated.json"))
    assert program in output
    assert said in output


async def test_one_that_is_cut_off_ends_with_all_that_it_started(tmp_path: Path) -> None:
    driver = running("trap '' TERM; sleep 1000 & echo $! > member; echo $$ > leader; wait", tmp_path)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(driver.restart, Incarnation(""), LIST)
        leader, member = await read_pid(tmp_path / "leader"), await read_pid(tmp_path / "member")
        tasks.cancel_scope.cancel()
    assert not is_alive(leader)
    assert not is_alive(member)
    assert leader not in tracked_pids()


async def test_processes_that_the_command_leaves_keep_running(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    await running("(read _ < gate; echo 1 > said) & echo $! > left; exit 0", tmp_path).restart(
        Incarnation(""), LIST
    )
    left = await read_pid(tmp_path / "left")
    assert is_alive(left)
    (tmp_path / "gate").write_text("continue\n")
    await poll_until(lambda: not is_alive(left))
    assert (tmp_path / "said").exists()


async def test_nothing_is_left_of_a_command_that_has_ended(tmp_path: Path) -> None:
    before, descriptors = set(tracked_pids()), len(list(DESCRIPTORS.iterdir()))
    for script in ("exit 0", "exit 1") * 5:
        driver = running(script, tmp_path)
        try:
            await driver.restart(Incarnation(""), LIST)
        except DriverError:
            assert script == "exit 1"
    assert set(tracked_pids()) == before
    assert len(list(DESCRIPTORS.iterdir())) <= descriptors


async def test_the_process_cannot_be_observed(tmp_path: Path) -> None:
    driver = running("exit 0", tmp_path)
    assert await driver.observe() == Incarnation("")
    assert not driver.starts_new_incarnation
    with anyio.move_on_after(0.05) as waiting:
        await driver.wait_for_end(Incarnation(""))
    assert waiting.cancelled_caught


async def test_it_only_restarts(tmp_path: Path) -> None:
    driver = running("exit 0", tmp_path)
    assert not driver.can_stop
    with pytest.raises(DriverError, match="only restarts"):
        await driver.stop()
