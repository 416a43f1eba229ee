"""The `docker` driver on a real engine: failures that only Docker has; the contract has the others."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import pytest

from sidecar.domain.node.process import Exited
from tests.kit.prerequisites import require
from tests.kit.waiting import wait_until
from tests.platforms.docker.engine import BASE, JAVA, Container, docker_or_fail
from tests.platforms.docker.external import (
    ENDS_ON_SIGTERM,
    ENGINE,
    FAILS_WHEN_BROKEN,
    HEALTH_CHECK,
    NEW,
    eventually,
    make_external,
    running,
)

pytestmark = pytest.mark.anyio

STUBBORN = Path(__file__).with_name("Stubborn.java")


async def test_a_hung_jvm_leaves_a_thread_dump_in_its_log(container: Container, tmp_path: Path) -> None:
    require(shutil.which("javac") is not None, "javac on PATH")
    await anyio.run_process(["javac", "--release", "11", "-d", str(tmp_path), str(STUBBORN)])
    container.run("-v", f"{tmp_path}:/app:ro", image=JAVA, command=("java", "-cp", "/app", "Stubborn"))
    wait_until(lambda: "up" in container.log, "the JVM is up")

    process = make_external(container, tmp_path, stop_timeout=15, restart_timeout=40)
    await process.restart(NEW)

    assert running(process).restart_failure is None
    assert "Full thread dump" in container.log
    assert '"hangs-while-shutting-down"' in container.log


async def test_a_removed_container_is_reported_until_it_is_recreated(
    container: Container, tmp_path: Path
) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    process = make_external(container, tmp_path)
    await process.adopt()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.wait_for_change)
        container.remove()
    assert isinstance(process.state, Exited)

    await process.start(NEW)
    assert isinstance(process.state, Exited)
    assert f"there is no container {container.name} at {ENGINE}; create it" in process.state.reason

    container.run(command=ENDS_ON_SIGTERM)
    await process.start(NEW)
    assert running(process).restart_failure is None


async def test_an_unhealthy_container_reports_the_probes_output(container: Container, tmp_path: Path) -> None:
    container.run(
        *HEALTH_CHECK, "test ! -e /unhealthy || { echo 'out of order'; exit 1; }", command=ENDS_ON_SIGTERM
    )
    container.exec("touch", "/unhealthy")
    process = make_external(container, tmp_path, restart_timeout=10)
    await process.restart(NEW)
    failure = running(process).restart_failure
    assert failure is not None
    assert failure.reason == "aborted after 10 s: its health check fails: out of order"

    container.exec("rm", "/unhealthy")
    await process.restart(NEW)
    assert running(process).restart_failure is None


async def test_a_crash_loop_is_reported_with_the_exit_code(container: Container, tmp_path: Path) -> None:
    container.run(
        "-v",
        f"{tmp_path}:/test",
        "--restart",
        "unless-stopped",
        *HEALTH_CHECK,
        "true",
        command=FAILS_WHEN_BROKEN,
    )
    (tmp_path / "broken").touch()
    process = make_external(container, tmp_path, restart_timeout=10)
    await process.restart(NEW)
    assert running(process).restart_failure is not None

    async def reports_exit_code() -> bool:
        health = await process.check()
        return "it ended with exit code 3, and Docker starts it again (restart " in health.reason

    await eventually(reports_exit_code, "it reports the exit code")
    (tmp_path / "broken").unlink()
    await process.restart(NEW)
    assert running(process).restart_failure is None


async def test_a_start_that_docker_refuses_quotes_docker(container: Container, tmp_path: Path) -> None:
    docker_or_fail("create", "--name", container.name, BASE, "/no/such/program")
    process = make_external(container, tmp_path)
    await process.start(NEW)
    assert isinstance(process.state, Exited)
    assert f"container {container.name}: Docker says: " in process.state.reason
    assert "/no/such/program" in process.state.reason
