"""The `docker` driver on a real engine: restarts that go well, and what is seen of the container."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from sidecar.adapters.restart.external import Attended
from sidecar.domain.node.process import Exited, NotLaunched, Running
from tests.platforms.docker.attending import (
    NEW,
    OBEDIENT,
    OLD,
    PROBED,
    attend,
    becomes,
    driver_of,
    runs,
)
from tests.platforms.docker.engine import Container, done

pytestmark = pytest.mark.anyio

# A restart that goes well.


async def test_a_restart_is_another_life_of_the_same_container(container: Container, tmp_path: Path) -> None:
    container.run(command=OBEDIENT)
    before = container.inspected
    process = attend(container, tmp_path)
    await process.adopt()
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
        assert (await process.check()).healthy is False
        container.exec("touch", "/ready")
    assert runs(process).trouble is None
    assert container.health == "healthy"


async def differs(container: Container, before: str) -> bool:
    return await anyio.to_thread.run_sync(lambda: container.started_at != before)


async def test_a_container_that_is_stopped_is_started(container: Container, tmp_path: Path) -> None:
    container.run(command=OBEDIENT)
    done("stop", container.name)
    process = attend(container, tmp_path)
    await process.adopt()
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
    assert "it is paused; docker unpause" in (await process.check()).reason
    await process.restart(NEW)
    assert (runs(process).trouble, container.state["Status"]) == (None, "running")


async def test_the_next_sidecar_knows_what_it_runs_on(container: Container, tmp_path: Path) -> None:
    container.run(command=OBEDIENT)
    first = attend(container, tmp_path)
    await first.restart(NEW)
    second = attend(container, tmp_path)
    await second.adopt()
    assert runs(second).loaded == NEW


# What the driver is told by the engine.


async def test_its_end_is_seen_when_it_happens(container: Container, tmp_path: Path) -> None:
    container.run(command=OBEDIENT)
    process = attend(container, tmp_path)
    await process.adopt()
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
    held = [NEW]
    process = attend(container, tmp_path, held=lambda _: held[-1])
    await process.adopt()
    held.append(OLD)
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


# Stopping it.


async def test_what_was_stopped_stays_stopped_whatever_its_restart_policy(
    container: Container, tmp_path: Path
) -> None:
    container.run("--restart", "unless-stopped", command=OBEDIENT)
    process = attend(container, tmp_path)
    await process.adopt()
    await process.stop()
    assert isinstance(process.state, NotLaunched)
    assert container.state["Status"] == "exited"
    await process.stop()  # one that is stopped is no trouble
    container.remove()
    await process.stop()  # nor is one that is gone
    assert isinstance(process.state, NotLaunched)
