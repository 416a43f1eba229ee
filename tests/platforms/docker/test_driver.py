"""The `docker` driver on a real engine: restarts that go well, and what is seen of the container."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from sidecar.adapters.restart.external import ExternalProcess
from sidecar.domain.node.process import Exited, NotLaunched, Running
from tests.platforms.docker.engine import Container, docker_or_fail
from tests.platforms.docker.external import (
    ENDS_ON_SIGTERM,
    HEALTH_CHECK,
    NEW,
    OLD,
    eventually,
    make_driver,
    make_external,
    running,
)

pytestmark = pytest.mark.anyio

# A restart that goes well.


async def test_a_restart_is_another_life_of_the_same_container(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    before = container.inspected
    process = make_external(container, tmp_path)
    await process.adopt()
    assert running(process).loaded == OLD

    await process.restart(NEW)

    now = container.inspected
    assert now["Id"] == before["Id"]
    assert now["State"]["StartedAt"] > before["State"]["StartedAt"]
    assert running(process) == Running(now["State"]["Pid"], running(process).started_at, NEW)


async def test_it_waits_until_the_health_check_has_passed(container: Container, tmp_path: Path) -> None:
    container.run(*HEALTH_CHECK, "test -e /ready", command=ENDS_ON_SIGTERM)
    process = make_external(container, tmp_path)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.restart, NEW)
        before = container.started_at
        await eventually(lambda: differs(container, before), "it was restarted")
        # Not healthy, so not done.
        assert isinstance(process.state, NotLaunched)
        assert (await process.check()).healthy is False
        container.exec("touch", "/ready")
    assert running(process).restart_failure is None
    assert container.health == "healthy"


async def differs(container: Container, before: str) -> bool:
    return await anyio.to_thread.run_sync(lambda: container.started_at != before)


async def test_a_container_that_is_stopped_is_started(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    docker_or_fail("stop", container.name)
    process = make_external(container, tmp_path)
    await process.adopt()
    assert isinstance(process.state, NotLaunched)
    await process.start(NEW)
    assert running(process).loaded == NEW


async def test_a_container_that_runs_by_now_is_left_as_it_is(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    before = container.started_at
    await make_external(container, tmp_path).start(NEW)
    assert container.started_at == before


async def test_a_paused_container_is_told_as_that_and_restarted_all_the_same(
    container: Container, tmp_path: Path
) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    docker_or_fail("pause", container.name)
    process = make_external(container, tmp_path)
    assert "it is paused; docker unpause" in (await process.check()).reason
    await process.restart(NEW)
    assert (running(process).restart_failure, container.state["Status"]) == (None, "running")


async def test_the_next_sidecar_knows_what_it_runs_on(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    first = make_external(container, tmp_path)
    await first.restart(NEW)
    second = make_external(container, tmp_path)
    await second.adopt()
    assert running(second).loaded == NEW


# What the driver is told by the engine.


async def test_its_end_is_seen_when_it_happens(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    process = make_external(container, tmp_path)
    await process.adopt()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.wait_for_change)
        container.die()
    assert isinstance(process.state, Exited)
    assert process.state.reason == f"container {container.name} has ended"


async def test_an_end_that_nobody_watched_is_seen_as_well(container: Container) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    driver = make_driver(container)
    life = await driver.observe()
    assert life is not None
    docker_or_fail("restart", "-t", "5", container.name)
    with anyio.fail_after(10):
        await driver.wait_for_end(life)
    again = await driver.observe()
    assert again is not None
    assert again.id != life.id


async def test_a_life_that_goes_on_is_waited_for(container: Container) -> None:
    container.run(*HEALTH_CHECK, "true", command=ENDS_ON_SIGTERM)
    driver = make_driver(container)
    life = await driver.observe()
    assert life is not None
    # Its own start, and its health checks, are no news.
    with anyio.move_on_after(2) as scope:
        await driver.wait_for_end(life)
    assert scope.cancelled_caught


async def test_what_docker_started_anew_is_noticed(container: Container, tmp_path: Path) -> None:
    container.run("--restart", "unless-stopped", command=ENDS_ON_SIGTERM)
    held = [NEW]
    process = make_external(container, tmp_path, file_servers_at=lambda _: held[-1])
    await process.adopt()
    held.append(OLD)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow, process)
        before = running(process).pid
        container.die()
        await eventually(lambda: keeps_running(process, before), "it runs again")
        tasks.cancel_scope.cancel()
    # It read its file when it started: what that held then.
    assert running(process).loaded == OLD


async def follow(process: ExternalProcess) -> None:
    while True:
        await process.wait_for_change()
        if isinstance(process.state, Exited):
            await process.start(OLD)


async def keeps_running(process: ExternalProcess, before: int | None) -> bool:
    return isinstance(process.state, Running) and process.state.pid not in {before, None}


# Stopping it.


async def test_what_was_stopped_stays_stopped_whatever_its_restart_policy(
    container: Container, tmp_path: Path
) -> None:
    container.run("--restart", "unless-stopped", command=ENDS_ON_SIGTERM)
    process = make_external(container, tmp_path)
    await process.adopt()
    await process.stop()
    assert isinstance(process.state, NotLaunched)
    assert container.state["Status"] == "exited"
    await process.stop()  # one that is stopped is no trouble
    container.remove()
    await process.stop()  # nor is one that is gone
    assert isinstance(process.state, NotLaunched)
