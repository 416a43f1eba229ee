"""The `systemd` driver on real units: units that fail, hang or are invalid, and a systemd that refuses."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from sidecar.adapters.restart.drivers.systemd import SystemdDriver
from sidecar.domain.errors import DriverError
from sidecar.domain.node.process import Running
from tests.kit.waiting import wait_until
from tests.platforms.systemd.external import (
    FAILS,
    IGNORES_SIGTERM,
    NAME,
    NEVER_READY,
    NEW,
    OLD,
    SLEEPS,
    MakeExternal,
    exited,
    running,
)
from tests.platforms.systemd.managers import Manager

pytestmark = pytest.mark.anyio


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
    assert "aborted after 6 s" in failure.reason
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
    assert "aborted after 5 s" in exited(process).reason
    await process.start(NEW)
    assert exited(process).failures == 2

    gate.touch()
    await process.start(NEW)
    assert running(process).pid == manager.pid(NAME) != 0
    assert len(tries.read_text()) == 1, "no attempt starts it again"


async def test_a_restart_times_out_if_the_stop_hangs(manager: Manager, make_external: MakeExternal) -> None:
    manager.install(NAME, IGNORES_SIGTERM)
    process = make_external(restart_timeout=5.0, stop_timeout=600.0)
    await process.start(OLD)
    began = time.monotonic()
    await process.restart(NEW)
    assert time.monotonic() - began < 60
    failure = running(process).restart_failure
    assert failure is not None
    assert "aborted after 5 s" in failure.reason


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
