"""The `docker` driver on a real engine: successful restarts, and what it observes of the container."""

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

# Successful restarts.


async def test_a_restart_keeps_the_container(container: Container, tmp_path: Path) -> None:
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


async def test_a_restart_waits_for_the_health_check(container: Container, tmp_path: Path) -> None:
    container.run(*HEALTH_CHECK, "test -e /ready", command=ENDS_ON_SIGTERM)
    process = make_external(container, tmp_path)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.restart, NEW)
        before = container.started_at
        await eventually(lambda: differs(container, before), "it is restarted")
        # It is not healthy yet, so the restart is not complete.
        assert isinstance(process.state, NotLaunched)
        assert (await process.check()).healthy is False
        container.exec("touch", "/ready")
    assert running(process).restart_failure is None
    assert container.health == "healthy"


async def differs(container: Container, before: str) -> bool:
    return await anyio.to_thread.run_sync(lambda: container.started_at != before)


async def test_a_stopped_container_is_started(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    docker_or_fail("stop", container.name)
    process = make_external(container, tmp_path)
    await process.adopt()
    assert isinstance(process.state, NotLaunched)
    await process.start(NEW)
    assert running(process).loaded == NEW


async def test_a_container_that_runs_already_is_left_alone(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    before = container.started_at
    await make_external(container, tmp_path).start(NEW)
    assert container.started_at == before


async def test_a_paused_container_is_reported_and_restarted(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    docker_or_fail("pause", container.name)
    process = make_external(container, tmp_path)
    assert "it is paused; docker unpause" in (await process.check()).reason
    await process.restart(NEW)
    assert (running(process).restart_failure, container.state["Status"]) == (None, "running")


async def test_the_next_sidecar_knows_the_loaded_list(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    first = make_external(container, tmp_path)
    await first.restart(NEW)
    second = make_external(container, tmp_path)
    await second.adopt()
    assert running(second).loaded == NEW


# What the driver observes.


async def test_an_exit_is_noticed_at_once(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    process = make_external(container, tmp_path)
    await process.adopt()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.wait_for_change)
        container.crash()
    assert isinstance(process.state, Exited)
    assert process.state.reason == f"container {container.name} has ended"


async def test_a_restart_before_the_watch_is_noticed(container: Container) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    driver = make_driver(container)
    incarnation = await driver.observe()
    assert incarnation is not None
    docker_or_fail("restart", "-t", "5", container.name)
    with anyio.fail_after(10):
        await driver.wait_for_end(incarnation)
    again = await driver.observe()
    assert again is not None
    assert again.id != incarnation.id


async def test_waiting_lasts_while_the_container_runs(container: Container) -> None:
    container.run(*HEALTH_CHECK, "true", command=ENDS_ON_SIGTERM)
    driver = make_driver(container)
    incarnation = await driver.observe()
    assert incarnation is not None
    # Its start and its health checks do not end the wait.
    with anyio.move_on_after(2) as scope:
        await driver.wait_for_end(incarnation)
    assert scope.cancelled_caught


async def test_a_restart_by_docker_is_noticed(container: Container, tmp_path: Path) -> None:
    container.run("--restart", "unless-stopped", command=ENDS_ON_SIGTERM)
    lists = [NEW]
    process = make_external(container, tmp_path, file_servers_at=lambda _: lists[-1])
    await process.adopt()
    lists.append(OLD)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow, process)
        before = running(process).pid
        container.crash()
        await eventually(lambda: runs_again(process, before), "Docker has started it again")
        tasks.cancel_scope.cancel()
    # It loaded what its file held when it started.
    assert running(process).loaded == OLD


async def follow(process: ExternalProcess) -> None:
    while True:
        await process.wait_for_change()
        if isinstance(process.state, Exited):
            await process.start(OLD)


async def runs_again(process: ExternalProcess, before: int | None) -> bool:
    return isinstance(process.state, Running) and process.state.pid not in {before, None}


# Stopping it.


async def test_a_stopped_container_stays_stopped(container: Container, tmp_path: Path) -> None:
    container.run("--restart", "unless-stopped", command=ENDS_ON_SIGTERM)
    process = make_external(container, tmp_path)
    await process.adopt()
    await process.stop()
    assert isinstance(process.state, NotLaunched)
    assert container.state["Status"] == "exited"
    await process.stop()  # stopping a stopped one is no error
    container.remove()
    await process.stop()  # nor is stopping a removed one
    assert isinstance(process.state, NotLaunched)
