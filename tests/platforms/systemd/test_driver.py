"""The `systemd` driver on real units of both managers: restarts, and what it observes of the unit."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from sidecar.adapters.restart.drivers.systemd import SystemdDriver
from sidecar.domain.node.process import Running
from tests.kit.waiting import wait_until
from tests.platforms.systemd.external import (
    NAME,
    NEW,
    OLD,
    SLEEPS,
    MakeExternal,
    exited,
    running,
)
from tests.platforms.systemd.managers import Manager

pytestmark = pytest.mark.anyio


async def test_a_running_unit_is_restarted_on_the_new_list(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, SLEEPS)
    manager.systemctl("start", NAME)
    before = manager.pid(NAME)
    process = make_external()
    await process.adopt()
    assert running(process).pid == before

    await process.restart(NEW)
    after = running(process)
    assert after.pid == manager.pid(NAME) != before
    assert after.loaded == NEW
    assert after.restart_failure is None


async def test_a_stopped_unit_is_started(manager: Manager, make_external: MakeExternal) -> None:
    manager.install(NAME, SLEEPS)
    process = make_external()
    await process.start(NEW)
    assert running(process).pid == manager.pid(NAME)


async def test_a_killed_unit_is_noticed_and_started_again(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, SLEEPS)
    process = make_external()
    await process.start(OLD)
    os.kill(manager.pid(NAME), signal.SIGKILL)
    with anyio.fail_after(60):
        while isinstance(process.state, Running):
            await process.wait_for_change()
    assert "signal 9" in exited(process).reason

    await process.start(NEW)
    assert running(process).pid == manager.pid(NAME) != 0


async def test_a_unit_with_restart_always_is_left_to_systemd(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, SLEEPS + "\nRestart=always\nRestartSec=15")
    process = make_external()
    await process.start(OLD)
    first = manager.pid(NAME)
    os.kill(first, signal.SIGKILL)
    with anyio.fail_after(60):
        await process.wait_for_change()
        health = await process.check()
        assert not health.healthy
        assert "systemd restarts it" in health.reason
        while running(process).pid in (None, first):
            await process.wait_for_change()
    assert running(process).pid == manager.pid(NAME)
    assert manager.show(NAME, "NRestarts") == ["1"]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        # The process has started: systemd merges the waiting jobs, and may repeat the running one.
        ("Post", (2, 3)),
        # The process has not started yet, and will read the newest file.
        ("Pre", (1,)),
    ],
)
async def test_changes_during_a_restart_leave_one_process_and_no_job(
    manager: Manager, tmp_path: Path, when: str, expected: tuple[int, ...]
) -> None:
    starts = tmp_path / "starts"
    slow = f"{SLEEPS}\nExecStart{when}=/bin/sh -c 'echo >> {starts}; sleep 5'"
    manager.install(NAME, slow)
    driver = SystemdDriver(NAME, scope=manager.scope)
    first = requested = 0

    async def change() -> None:
        nonlocal requested
        requested += 1
        await driver.restart(await driver.observe(), NEW)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(change)
        await anyio.to_thread.run_sync(
            wait_until, lambda: starts.exists() and starts.read_text(), "the first restart is under way"
        )
        first = len(starts.read_text())
        tasks.start_soon(change)
        tasks.start_soon(change)
    assert (first, requested) == (1, 3)
    assert len(starts.read_text()) in expected
    assert manager.systemctl("list-jobs", "--no-legend", NAME) == ""
    incarnation = await driver.observe()
    assert incarnation is not None
    assert incarnation.pid == manager.pid(NAME)
    assert not incarnation.unready_reason


async def test_a_unit_started_since_the_observation_is_not_restarted(manager: Manager) -> None:
    manager.install(NAME, SLEEPS)
    driver = SystemdDriver(NAME, scope=manager.scope)
    observed = await driver.observe()
    assert observed is None
    manager.systemctl("start", NAME)
    before = manager.pid(NAME)
    await driver.restart(observed, NEW)
    assert manager.pid(NAME) == before != 0


async def test_a_stopped_unit_stays_stopped(manager: Manager, make_external: MakeExternal) -> None:
    manager.install(NAME, SLEEPS + "\nRestart=always")
    process = make_external()
    await process.start(OLD)
    await process.stop()
    assert manager.active(NAME) == "inactive"
    assert await SystemdDriver(NAME, scope=manager.scope).observe() is None


async def test_the_next_sidecar_recognizes_the_running_unit(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, SLEEPS)
    await make_external().start(NEW)
    successor = make_external()
    await successor.adopt()
    assert running(successor).loaded == NEW
