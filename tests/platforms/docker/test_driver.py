"""The `docker` driver on a real engine: every way in which a restart goes well or wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.restart.attended import Attended
from sidecar.adapters.restart.docker import DockerDriver
from sidecar.adapters.restart.driver import Life
from sidecar.adapters.restart.memory import seen_memory
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.process import Backoff, Exited, NotLaunched, Running
from sidecar.domain.servers import ServerList
from tests.platforms.docker.engine import BASE, Container, done

pytestmark = pytest.mark.anyio

ENGINE = "unix:///var/run/docker.sock"
OLD = ServerList.parse(["http://fed-1:9000"])
NEW = ServerList.parse(["http://fed-1:9000", "http://fed-2:9001"])

# A program that ends on SIGTERM; one that does not care.
OBEDIENT = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")
DEAF = ("sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")
# One that exits with 3 while a file says so.
FRAIL = ("sh", "-c", f"[ -e /told/broken ] && exit 3; {OBEDIENT[-1]}")
PROBED = ("--health-interval", "0.2s", "--health-retries", "1", "--health-cmd")


def driver_of(container: Container, stop_timeout: float = 5) -> DockerDriver:
    return DockerDriver(container.name, ENGINE, stop_timeout)


def attend(container: Container, folder: Path, *, within: float = 20, stop_timeout: float = 5) -> Attended:
    return Attended(
        driver_of(container, stop_timeout),
        memory=seen_memory(folder),
        held=lambda _: OLD,
        jitter=lambda: 0.0,
        restart_timeout=within,
        backoff=Backoff(first=0.01),
    )


def runs(process: Attended) -> Running:
    assert isinstance(process.state, Running), process.state
    return process.state


async def becomes(condition: Callable[[], Awaitable[object]], message: str) -> None:
    """Wait until ``condition()`` holds."""
    with anyio.fail_after(30):
        while not await condition():  # noqa: ASYNC110 - of what others do there is no event
            await anyio.sleep(0.05)


# A restart that goes well.


async def test_a_restart_is_another_life_of_the_same_container(container: Container, tmp_path: Path) -> None:
    container.run(command=OBEDIENT)
    before = container.inspected
    process = attend(container, tmp_path)
    await process.adopt(OLD)
    assert runs(process).loaded == OLD

    await process.restart(NEW)

    now = container.inspected
    assert now["Id"] == before["Id"]
    assert now["State"]["StartedAt"] > before["State"]["StartedAt"]
    assert runs(process) == Running(now["State"]["Pid"], runs(process).since, NEW)


async def test_it_waits_until_the_health_check_has_passed(container: Container, tmp_path: Path) -> None:
    container.run(*PROBED, "test -e /ready", command=OBEDIENT)
    process = attend(container, tmp_path)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.restart, NEW)
        before = container.started_at
        await becomes(lambda: differs(container, before), "it was restarted")
        # Not healthy, so not done.
        assert isinstance(process.state, NotLaunched)
        assert (await process.health()).healthy is False
        container.exec("touch", "/ready")
    assert runs(process).trouble is None
    assert container.health == "healthy"


async def differs(container: Container, before: str) -> bool:
    return await anyio.to_thread.run_sync(lambda: container.started_at != before)


async def test_a_container_that_is_stopped_is_started(container: Container, tmp_path: Path) -> None:
    container.run(command=OBEDIENT)
    done("stop", container.name)
    process = attend(container, tmp_path)
    await process.adopt(OLD)
    assert isinstance(process.state, NotLaunched)
    await process.start(NEW)
    assert runs(process).loaded == NEW


async def test_a_container_that_runs_by_now_is_left_as_it_is(container: Container, tmp_path: Path) -> None:
    container.run(command=OBEDIENT)
    before = container.started_at
    await attend(container, tmp_path).start(NEW)
    assert container.started_at == before


async def test_a_paused_container_is_told_as_that_and_restarted_all_the_same(
    container: Container, tmp_path: Path
) -> None:
    container.run(command=OBEDIENT)
    done("pause", container.name)
    process = attend(container, tmp_path)
    assert "it is paused; docker unpause" in (await process.health()).reason
    await process.restart(NEW)
    assert (runs(process).trouble, container.state["Status"]) == (None, "running")


async def test_the_next_sidecar_knows_what_it_runs_on(container: Container, tmp_path: Path) -> None:
    container.run(command=OBEDIENT)
    first = attend(container, tmp_path)
    await first.restart(NEW)
    second = attend(container, tmp_path)
    await second.adopt(OLD)
    assert runs(second).loaded == NEW


# What the driver is told by the engine.


async def test_its_end_is_seen_when_it_happens(container: Container, tmp_path: Path) -> None:
    container.run(command=OBEDIENT)
    process = attend(container, tmp_path)
    await process.adopt(OLD)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.changed)
        container.die()
    assert isinstance(process.state, Exited)
    assert process.state.reason == f"container {container.name} has ended"


async def test_an_end_that_nobody_watched_is_seen_as_well(container: Container) -> None:
    container.run(command=OBEDIENT)
    driver = driver_of(container)
    life = await driver.look()
    assert life is not None
    done("restart", "-t", "5", container.name)
    with anyio.fail_after(10):
        await driver.ended(life)
    again = await driver.look()
    assert again is not None
    assert again.name != life.name


async def test_a_life_that_goes_on_is_waited_for(container: Container) -> None:
    container.run(*PROBED, "true", command=OBEDIENT)
    driver = driver_of(container)
    life = await driver.look()
    assert life is not None
    # Its own start, and its health checks, are no news.
    with anyio.move_on_after(2) as scope:
        await driver.ended(life)
    assert scope.cancelled_caught


async def test_what_docker_started_anew_is_noticed(container: Container, tmp_path: Path) -> None:
    container.run("--restart", "unless-stopped", command=OBEDIENT)
    process = attend(container, tmp_path)
    await process.adopt(NEW)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow, process)
        before = runs(process).pid
        container.die()
        await becomes(lambda: lives_on(process, before), "it runs again")
        tasks.cancel_scope.cancel()
    # It read its file when it started: what that held then.
    assert runs(process).loaded == OLD


async def follow(process: Attended) -> None:
    while True:
        await process.changed()
        if isinstance(process.state, Exited):
            await process.start(OLD)


async def lives_on(process: Attended, before: int | None) -> bool:
    return isinstance(process.state, Running) and process.state.pid not in {before, None}


# Restarts that go wrong.


async def test_one_that_dies_in_the_middle_of_its_restart_comes_up(
    container: Container, tmp_path: Path
) -> None:
    container.run(command=DEAF)
    process = attend(container, tmp_path, stop_timeout=20)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.restart, NEW)
        await becomes(lambda: asked_to_end(container), "the engine asks it to end")
        container.die()
    assert (runs(process).loaded, runs(process).trouble) == (NEW, None)


async def asked_to_end(container: Container) -> bool:
    """Whether the engine has sent it SIGTERM."""
    arguments = ("--since", "1m", "--until", "0s", "--filter", "event=kill")
    told = await anyio.to_thread.run_sync(
        lambda: done("events", *arguments, "--filter", f"container={container.inspected['Id']}")
    )
    return bool(told)


async def test_one_that_ignores_sigterm_is_killed_after_the_stop_timeout(
    container: Container, tmp_path: Path
) -> None:
    container.run(command=DEAF)
    process = attend(container, tmp_path, stop_timeout=1)
    began = anyio.current_time()
    await process.restart(NEW)
    assert 1 <= anyio.current_time() - began < 10
    assert runs(process).trouble is None


async def test_a_container_that_was_removed_is_told_and_found_again_once_it_is_created(
    container: Container, tmp_path: Path
) -> None:
    container.run(command=OBEDIENT)
    process = attend(container, tmp_path)
    await process.adopt(OLD)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.changed)
        container.remove()
    assert isinstance(process.state, Exited)

    await process.start(NEW)
    assert isinstance(process.state, Exited)
    assert f"there is no container {container.name} at {ENGINE}; create it" in process.state.reason

    container.run(command=OBEDIENT)
    await process.start(NEW)
    assert runs(process).trouble is None


async def test_one_that_comes_up_unhealthy_says_what_its_probe_said(
    container: Container, tmp_path: Path
) -> None:
    container.run(*PROBED, "test ! -e /sick || { echo 'out of order'; exit 1; }", command=OBEDIENT)
    container.exec("touch", "/sick")
    process = attend(container, tmp_path, within=3)
    await process.restart(NEW)
    trouble = runs(process).trouble
    assert trouble is not None
    assert trouble.reason == "cut off after 3 s: its health check fails: out of order"

    container.exec("rm", "/sick")
    await process.restart(NEW)
    assert runs(process).trouble is None


async def test_one_that_exits_at_once_has_ended(container: Container, tmp_path: Path) -> None:
    container.run("-v", f"{tmp_path}:/told", command=FRAIL)
    (tmp_path / "broken").touch()
    process = attend(container, tmp_path, within=2)
    await process.restart(NEW)
    assert isinstance(process.state, Exited)
    assert f"container {container.name} did not come up" in process.state.reason

    (tmp_path / "broken").unlink()
    await process.start(NEW)
    assert runs(process).loaded == NEW


async def test_one_that_docker_starts_over_and_over_says_why(container: Container, tmp_path: Path) -> None:
    container.run("-v", f"{tmp_path}:/told", "--restart", "unless-stopped", *PROBED, "true", command=FRAIL)
    (tmp_path / "broken").touch()
    process = attend(container, tmp_path, within=2)
    await process.restart(NEW)
    assert runs(process).trouble is not None

    async def told() -> bool:
        health = await process.health()
        return "it ended with exit code 3, and Docker starts it again (restart " in health.reason

    await becomes(told, "it says why it is not there")
    (tmp_path / "broken").unlink()
    await process.restart(NEW)
    assert runs(process).trouble is None


async def test_a_restart_that_hangs_is_cut_off_and_tried_again(container: Container, tmp_path: Path) -> None:
    container.run(command=DEAF)
    process = attend(container, tmp_path, within=1, stop_timeout=4)
    await process.adopt(OLD)
    await process.restart(NEW)
    trouble = runs(process).trouble
    assert (runs(process).loaded, trouble and trouble.failures) == (OLD, 1)

    patient = attend(container, tmp_path, within=30, stop_timeout=1)
    await patient.restart(NEW)
    assert runs(patient).trouble is None


async def test_what_docker_cannot_start_is_told_in_its_words(container: Container, tmp_path: Path) -> None:
    done("create", "--name", container.name, BASE, "/no/such/program")
    process = attend(container, tmp_path)
    await process.start(NEW)
    assert isinstance(process.state, Exited)
    assert f"container {container.name}: Docker says: " in process.state.reason
    assert "/no/such/program" in process.state.reason


# An engine that is not there.


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("unix:///no/docker.sock", "there is no socket at unix:///no/docker.sock; start Docker"),
        ("tcp://127.0.0.1:1", "Docker does not answer at tcp://127.0.0.1:1; is it running?"),
    ],
)
async def test_an_engine_that_is_away_is_told_and_ends_nothing(host: str, told: str, tmp_path: Path) -> None:
    driver = DockerDriver("fed-1", host, 5)
    process = Attended(driver, memory=seen_memory(tmp_path), held=lambda _: OLD, jitter=lambda: 0.0)
    assert told in (await process.health()).reason
    await process.start(NEW)
    assert isinstance(process.state, Exited)
    assert told in process.state.reason
    with anyio.fail_after(5):  # what cannot be waited for is looked at
        await driver.ended(Life("0123 started 2026-01-01T00:00:00.123456789Z"))


async def test_a_socket_that_one_may_not_use_says_who_may(tmp_path: Path) -> None:
    told = await anyio.to_thread.run_sync(look_as_nobody)
    assert f"no permission on {ENGINE}; run the sidecar in the group that the socket belongs to" in told


def look_as_nobody() -> str:
    """What the driver says in a process that is not root."""
    program = f"""
import os
import anyio
from sidecar.adapters.restart.docker import DockerDriver
from sidecar.domain.errors import DriverTrouble

async def look():
    try:
        await DockerDriver("fed-1", {ENGINE!r}, 5).look()
    except DriverTrouble as exc:
        print(exc)

anyio.run(look)  # as root: from now on all that is needed is imported, wherever it may be
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
anyio.run(look)
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return found.stdout


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(
        BadConfiguration, match=r"docker\.host: 'ssh://fed-1' is no address of a Docker engine"
    ):
        DockerDriver("fed-1", "ssh://fed-1", 5)


# Stopping it.


async def test_what_was_stopped_stays_stopped_whatever_its_restart_policy(
    container: Container, tmp_path: Path
) -> None:
    container.run("--restart", "unless-stopped", command=OBEDIENT)
    process = attend(container, tmp_path)
    await process.adopt(OLD)
    await process.stop()
    assert isinstance(process.state, NotLaunched)
    assert container.state["Status"] == "exited"
    await process.stop()  # one that is stopped is no trouble
    container.remove()
    await process.stop()  # nor is one that is gone
    assert isinstance(process.state, NotLaunched)
