"""The systemd driver, alone and in an `ExternalProcess`, on real units of both managers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from sidecar.adapters.restart.drivers.systemd import SystemdDriver
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.restart.saved_state import loaded_record_file
from sidecar.domain.errors import DriverError
from sidecar.domain.node.process import Backoff, Exited, Running
from tests.builders import servers
from tests.kit.waiting import wait_until
from tests.platforms.systemd.managers import Manager

pytestmark = pytest.mark.anyio

OLD = servers(9000)
NEW = servers(9000, 9001)

NAME = "federated-server.service"
SLEEPS = "ExecStart=/bin/sleep infinity"
# It is ready once it ignores SIGTERM.
IGNORES_SIGTERM = (
    "Type=notify\nNotifyAccess=all\n"
    "ExecStart=/bin/sh -c \"trap '' TERM; systemd-notify --ready; while :; do sleep 1; done\"\n"
    "TimeoutStopSec=600"
)
NEVER_READY = "Type=notify\nExecStart=/bin/sleep infinity\nTimeoutStartSec=infinity"
FAILS = "Type=notify\nExecStart=/bin/sh -c 'exit 3'"


@pytest.fixture
def make_external(manager: Manager, tmp_path: Path) -> Callable[..., ExternalProcess]:
    def make(*, restart_timeout: float = 20.0, stop_timeout: float = 10.0) -> ExternalProcess:
        return ExternalProcess(
            SystemdDriver(NAME, scope=manager.scope, stop_timeout=stop_timeout),
            state_file=loaded_record_file(tmp_path / "state"),
            file_servers_at=lambda _: OLD,
            jitter=lambda: 0.5,
            restart_timeout=restart_timeout,
            backoff=Backoff(first=0.2),
        )

    return make


MakeExternal = Callable[..., ExternalProcess]


def running(process: ExternalProcess) -> Running:
    assert isinstance(process.state, Running), process.state
    return process.state


def exited(process: ExternalProcess) -> Exited:
    assert isinstance(process.state, Exited), process.state
    return process.state


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


async def test_a_unit_killed_during_a_restart_gives_a_reason(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, "Type=notify\nExecStart=/bin/sleep infinity")
    process = make_external()

    def kill_during_start() -> None:
        os.kill(wait_until(lambda: manager.pid(NAME), f"{NAME} starts"), signal.SIGKILL)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, kill_during_start)
        await process.start(NEW)
    assert "signal 9" in exited(process).reason


async def test_a_unit_that_ignores_sigterm_is_killed_after_the_timeout(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, IGNORES_SIGTERM)
    process = make_external(stop_timeout=1.0)
    await process.start(OLD)
    before = manager.pid(NAME)

    began = time.monotonic()
    await process.restart(NEW)
    assert running(process).pid not in (before, None)
    assert running(process).restart_failure is None
    assert 1.0 <= time.monotonic() - began < 60


async def test_a_unit_that_fails_to_start_reports_its_exit_status(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, FAILS)
    process = make_external()
    began = time.monotonic()
    await process.start(NEW)
    assert time.monotonic() - began < 15, "a failure ends the wait"
    reason = exited(process).reason
    assert "exit status 3" in reason
    assert f"-u {NAME}" in reason

    manager.install(NAME, SLEEPS)
    await process.start(NEW)
    assert running(process).pid == manager.pid(NAME)


async def test_a_unit_that_cannot_be_executed_fails_at_once(
    manager: Manager, make_external: MakeExternal
) -> None:
    # systemd completes the job as soon as it has forked.
    manager.install(NAME, "Type=simple\nExecStart=/nowhere/server")
    process = make_external()
    began = time.monotonic()
    await process.start(NEW)
    if isinstance(process.state, Running):  # it was observed before the exec failed
        await process.wait_for_change()
    assert time.monotonic() - began < 15, "a failure ends the wait"
    assert "exit status 203" in exited(process).reason


async def test_a_unit_that_never_gets_ready_times_out_and_is_retried(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, NEVER_READY)
    process = make_external(restart_timeout=6.0)
    began = time.monotonic()
    await process.start(NEW)
    assert time.monotonic() - began < 60
    failure = running(process).restart_failure
    assert failure is not None
    assert "cut off after 6 s" in failure.reason
    assert not (await process.check()).healthy

    manager.install(NAME, SLEEPS)
    await process.restart(NEW)
    assert running(process).restart_failure is None


async def test_a_reached_start_limit_is_reset(manager: Manager, make_external: MakeExternal) -> None:
    manager.install(NAME, SLEEPS, start_limit=True)
    process = make_external()
    await process.start(OLD)
    await process.restart(NEW)
    # The third start within its interval.
    await process.restart(OLD)
    assert "start-limit-hit" in exited(process).reason
    assert manager.active(NAME) == "failed"

    await process.start(OLD)
    assert running(process).pid == manager.pid(NAME) != 0


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


async def test_a_hanging_exec_start_pre_is_not_started_twice(
    manager: Manager, make_external: MakeExternal, tmp_path: Path
) -> None:
    manager.install(NAME, SLEEPS)
    process = make_external(restart_timeout=5.0)
    await process.start(OLD)

    tries, gate = tmp_path / "tries", tmp_path / "gate"
    hangs = f"ExecStartPre=/bin/sh -c 'echo >> {tries}; until [ -e {gate} ]; do sleep 0.05; done'"
    manager.install(NAME, f"{hangs}\n{SLEEPS}")
    await process.restart(NEW)
    assert "cut off after 5 s" in exited(process).reason
    await process.start(NEW)
    assert exited(process).failures == 2

    gate.touch()
    await process.start(NEW)
    assert running(process).pid == manager.pid(NAME) != 0
    assert len(tries.read_text()) == 1, "no attempt starts it again"


async def test_a_unit_started_since_the_observation_is_not_restarted(manager: Manager) -> None:
    manager.install(NAME, SLEEPS)
    driver = SystemdDriver(NAME, scope=manager.scope)
    observed = await driver.observe()
    assert observed is None
    manager.systemctl("start", NAME)
    before = manager.pid(NAME)
    await driver.restart(observed, NEW)
    assert manager.pid(NAME) == before != 0


async def test_a_restart_times_out_if_the_stop_hangs(manager: Manager, make_external: MakeExternal) -> None:
    manager.install(NAME, IGNORES_SIGTERM)
    process = make_external(restart_timeout=5.0, stop_timeout=600.0)
    await process.start(OLD)
    began = time.monotonic()
    await process.restart(NEW)
    assert time.monotonic() - began < 60
    failure = running(process).restart_failure
    assert failure is not None
    assert "cut off after 5 s" in failure.reason


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


async def test_a_missing_unit_is_reported(manager: Manager) -> None:
    with pytest.raises(DriverError, match="knows no such unit; correct --systemd-unit"):
        await SystemdDriver("nowhere", scope=manager.scope).observe()


async def test_a_masked_unit_is_reported(manager: Manager) -> None:
    manager.install(NAME, SLEEPS)
    (manager.folder / NAME).unlink()
    (manager.folder / NAME).symlink_to("/dev/null")
    manager.systemctl("daemon-reload")
    with pytest.raises(DriverError, match=rf"is masked; `systemctl.* unmask {NAME}`"):
        await SystemdDriver(NAME, scope=manager.scope).restart(None, NEW)


async def test_an_invalid_unit_is_reported(manager: Manager) -> None:
    manager.install(NAME, "Type=simple")  # without an ExecStart=
    with pytest.raises(DriverError, match=r"cannot be loaded .*systemd-analyze verify"):
        await SystemdDriver(NAME, scope=manager.scope).observe()


async def test_without_permission_the_error_names_the_polkit_rule(
    system: Manager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.install(NAME, SLEEPS)
    system.systemctl("start", NAME)
    tmp_path.joinpath("systemctl").write_text(
        '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups /usr/bin/systemctl "$@"\n'
    )
    tmp_path.joinpath("systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    driver = SystemdDriver(NAME)
    assert await driver.observe() is not None
    with pytest.raises(DriverError, match="allow it by a polkit rule"):
        await driver.restart(await driver.observe(), NEW)


async def test_without_a_bus_the_error_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    with pytest.raises(DriverError, match="--systemd-scope user needs XDG_RUNTIME_DIR"):
        await SystemdDriver(NAME, scope="user").observe()


async def test_without_systemctl_the_error_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DriverError, match=r"systemctl show .*: was not found"):
        await SystemdDriver(NAME).observe()
