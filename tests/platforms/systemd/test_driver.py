"""The systemd driver, alone and looked after by `ExternalProcess`, on real units of both managers."""

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
# It is up once it is deaf.
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


def running(attended: ExternalProcess) -> Running:
    assert isinstance(attended.state, Running), attended.state
    return attended.state


def exited(attended: ExternalProcess) -> Exited:
    assert isinstance(attended.state, Exited), attended.state
    return attended.state


async def test_a_healthy_unit_is_restarted_and_runs_on_the_new_list(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, SLEEPS)
    manager.systemctl("start", NAME)
    before = manager.pid(NAME)
    attended = make_external()
    await attended.adopt()
    assert running(attended).pid == before

    await attended.restart(NEW)
    after = running(attended)
    assert after.pid == manager.pid(NAME) != before
    assert after.loaded == NEW
    assert after.restart_failure is None


async def test_a_unit_that_is_not_running_is_started(manager: Manager, make_external: MakeExternal) -> None:
    manager.install(NAME, SLEEPS)
    attended = make_external()
    await attended.start(NEW)
    assert running(attended).pid == manager.pid(NAME)


async def test_a_unit_that_dies_is_noticed_at_once_and_started_again(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, SLEEPS)
    attended = make_external()
    await attended.start(OLD)
    os.kill(manager.pid(NAME), signal.SIGKILL)
    with anyio.fail_after(60):
        while isinstance(attended.state, Running):
            await attended.wait_for_change()
    assert "signal 9" in exited(attended).reason

    await attended.start(NEW)
    assert running(attended).pid == manager.pid(NAME) != 0


async def test_what_systemd_restarts_by_itself_is_left_to_systemd(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, SLEEPS + "\nRestart=always\nRestartSec=15")
    attended = make_external()
    await attended.start(OLD)
    first = manager.pid(NAME)
    os.kill(first, signal.SIGKILL)
    with anyio.fail_after(60):
        await attended.wait_for_change()
        told = await attended.check()
        assert not told.healthy
        assert "systemd restarts it" in told.reason
        while running(attended).pid in (None, first):
            await attended.wait_for_change()
    assert running(attended).pid == manager.pid(NAME)
    assert manager.show(NAME, "NRestarts") == ["1"]


async def test_one_that_dies_while_it_restarts_ends_in_a_reason(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, "Type=notify\nExecStart=/bin/sleep infinity")
    attended = make_external()

    def kill_meanwhile() -> None:
        os.kill(wait_until(lambda: manager.pid(NAME), f"{NAME} starts"), signal.SIGKILL)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, kill_meanwhile)
        await attended.start(NEW)
    assert "signal 9" in exited(attended).reason


async def test_what_ignores_sigterm_is_killed_after_the_stop_timeout(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, IGNORES_SIGTERM)
    attended = make_external(stop_timeout=1.0)
    await attended.start(OLD)
    before = manager.pid(NAME)

    began = time.monotonic()
    await attended.restart(NEW)
    assert running(attended).pid not in (before, None)
    assert running(attended).restart_failure is None
    assert 1.0 <= time.monotonic() - began < 60


async def test_one_that_comes_up_failing_is_told_with_its_exit_status_and_tried_again(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, FAILS)
    attended = make_external()
    began = time.monotonic()
    await attended.start(NEW)
    assert time.monotonic() - began < 15, "a failure is not waited out"
    reason = exited(attended).reason
    assert "exit status 3" in reason
    assert f"-u {NAME}" in reason

    manager.install(NAME, SLEEPS)
    await attended.start(NEW)
    assert running(attended).pid == manager.pid(NAME)


async def test_one_that_cannot_be_executed_is_told_at_once(
    manager: Manager, make_external: MakeExternal
) -> None:
    # systemd's job is done as soon as it has forked.
    manager.install(NAME, "Type=simple\nExecStart=/nowhere/server")
    attended = make_external()
    began = time.monotonic()
    await attended.start(NEW)
    if isinstance(attended.state, Running):  # it was seen before it came to that
        await attended.wait_for_change()
    assert time.monotonic() - began < 15, "a failure is not waited out"
    assert "exit status 203" in exited(attended).reason


async def test_one_that_never_comes_up_is_cut_off_and_tried_again(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, NEVER_READY)
    attended = make_external(restart_timeout=6.0)
    began = time.monotonic()
    await attended.start(NEW)
    assert time.monotonic() - began < 60
    trouble = running(attended).restart_failure
    assert trouble is not None
    assert "cut off after 6 s" in trouble.reason
    assert not (await attended.check()).healthy

    manager.install(NAME, SLEEPS)
    await attended.restart(NEW)
    assert running(attended).restart_failure is None


async def test_a_start_limit_that_was_reached_is_reset(manager: Manager, make_external: MakeExternal) -> None:
    manager.install(NAME, SLEEPS, start_limit=True)
    attended = make_external()
    await attended.start(OLD)
    await attended.restart(NEW)
    # The third start within its interval.
    await attended.restart(OLD)
    assert "start-limit-hit" in exited(attended).reason
    assert manager.active(NAME) == "failed"

    await attended.start(OLD)
    assert running(attended).pid == manager.pid(NAME) != 0


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        # The process has begun: systemd makes one of those that wait; the one it just makes it makes anew.
        ("Post", (2, 3)),
        # It has not, and will read the newest file.
        ("Pre", (1,)),
    ],
)
async def test_changes_during_a_restart_end_in_one_life_that_serves_and_no_job_left(
    manager: Manager, tmp_path: Path, when: str, expected: tuple[int, ...]
) -> None:
    starts = tmp_path / "starts"
    slowly = f"{SLEEPS}\nExecStart{when}=/bin/sh -c 'echo >> {starts}; sleep 5'"
    manager.install(NAME, slowly)
    driver = SystemdDriver(NAME, scope=manager.scope)
    first = asked = 0

    async def change() -> None:
        nonlocal asked
        asked += 1
        await driver.restart(await driver.observe(), NEW)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(change)
        await anyio.to_thread.run_sync(
            wait_until, lambda: starts.exists() and starts.read_text(), "the first restart is under way"
        )
        first = len(starts.read_text())
        tasks.start_soon(change)
        tasks.start_soon(change)
    assert (first, asked) == (1, 3)
    assert len(starts.read_text()) in expected
    assert manager.systemctl("list-jobs", "--no-legend", NAME) == ""
    life = await driver.observe()
    assert life is not None
    assert life.pid == manager.pid(NAME)
    assert not life.unready_reason


async def test_one_whose_preparation_hangs_is_not_there_and_its_start_goes_on(
    manager: Manager, make_external: MakeExternal, tmp_path: Path
) -> None:
    manager.install(NAME, SLEEPS)
    attended = make_external(restart_timeout=5.0)
    await attended.start(OLD)

    tries, gate = tmp_path / "tries", tmp_path / "gate"
    hangs = f"ExecStartPre=/bin/sh -c 'echo >> {tries}; until [ -e {gate} ]; do sleep 0.05; done'"
    manager.install(NAME, f"{hangs}\n{SLEEPS}")
    await attended.restart(NEW)
    assert "cut off after 5 s" in exited(attended).reason
    await attended.start(NEW)
    assert exited(attended).failures == 2

    gate.touch()
    await attended.start(NEW)
    assert running(attended).pid == manager.pid(NAME) != 0
    assert len(tries.read_text()) == 1, "what prepares it is not begun anew with each attempt"


async def test_one_that_came_up_by_itself_since_it_was_looked_at_is_not_restarted(manager: Manager) -> None:
    manager.install(NAME, SLEEPS)
    driver = SystemdDriver(NAME, scope=manager.scope)
    found = await driver.observe()
    assert found is None
    manager.systemctl("start", NAME)
    before = manager.pid(NAME)
    await driver.restart(found, NEW)
    assert manager.pid(NAME) == before != 0


async def test_a_restart_of_a_hanging_stop_is_cut_off(manager: Manager, make_external: MakeExternal) -> None:
    manager.install(NAME, IGNORES_SIGTERM)
    attended = make_external(restart_timeout=5.0, stop_timeout=600.0)
    await attended.start(OLD)
    began = time.monotonic()
    await attended.restart(NEW)
    assert time.monotonic() - began < 60
    trouble = running(attended).restart_failure
    assert trouble is not None
    assert "cut off after 5 s" in trouble.reason


async def test_a_stopped_unit_stays_stopped(manager: Manager, make_external: MakeExternal) -> None:
    manager.install(NAME, SLEEPS + "\nRestart=always")
    attended = make_external()
    await attended.start(OLD)
    await attended.stop()
    assert manager.active(NAME) == "inactive"
    assert await SystemdDriver(NAME, scope=manager.scope).observe() is None


async def test_a_life_is_known_again_by_the_next_sidecar(
    manager: Manager, make_external: MakeExternal
) -> None:
    manager.install(NAME, SLEEPS)
    await make_external().start(NEW)
    later = make_external()
    await later.adopt()
    assert running(later).loaded == NEW


async def test_a_unit_that_is_not_there_is_told_as_that(manager: Manager) -> None:
    with pytest.raises(DriverError, match="knows no such unit; correct --systemd-unit"):
        await SystemdDriver("nowhere", scope=manager.scope).observe()


async def test_a_masked_unit_is_told_as_that(manager: Manager) -> None:
    manager.install(NAME, SLEEPS)
    (manager.folder / NAME).unlink()
    (manager.folder / NAME).symlink_to("/dev/null")
    manager.systemctl("daemon-reload")
    with pytest.raises(DriverError, match=rf"is masked; `systemctl.* unmask {NAME}`"):
        await SystemdDriver(NAME, scope=manager.scope).restart(None, NEW)


async def test_a_unit_with_a_mistake_is_told_as_that(manager: Manager) -> None:
    manager.install(NAME, "Type=simple")  # and nothing to execute
    with pytest.raises(DriverError, match=r"cannot be loaded .*systemd-analyze verify"):
        await SystemdDriver(NAME, scope=manager.scope).observe()


async def test_who_may_not_manage_the_unit_is_told_what_allows_it(
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


async def test_without_a_bus_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    with pytest.raises(DriverError, match="--systemd-scope user needs XDG_RUNTIME_DIR"):
        await SystemdDriver(NAME, scope="user").observe()


async def test_without_systemctl_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DriverError, match=r"systemctl show .*: was not found"):
        await SystemdDriver(NAME).observe()
