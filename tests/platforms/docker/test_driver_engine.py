"""The `docker` driver and an engine that is down, disconnects, hangs or refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.drivers.docker import DockerDriver
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.restart.saved_state import loaded_record_file
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.node.process import Exited
from tests.platforms.docker.engine import Container
from tests.platforms.docker.engine_proxy import EngineProxy
from tests.platforms.docker.external import (
    ENDS_ON_SIGTERM,
    ENGINE,
    IGNORES_SIGTERM,
    NEW,
    OLD,
    eventually,
    make_external,
    running,
    was_sent_sigterm,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("unix:///no/docker.sock", "there is no socket at unix:///no/docker.sock; start Docker"),
        ("tcp://127.0.0.1:1", "Docker does not answer at tcp://127.0.0.1:1; is it running?"),
    ],
)
async def test_an_engine_that_is_down_is_reported(host: str, message: str, tmp_path: Path) -> None:
    driver = DockerDriver("fed-1", host, 5)
    process = ExternalProcess(
        driver, state_file=loaded_record_file(tmp_path), file_servers_at=lambda _: OLD, jitter=lambda: 0.0
    )
    assert message in (await process.check()).reason
    await process.start(NEW)
    assert isinstance(process.state, Exited)
    assert message in process.state.reason
    with anyio.fail_after(5):  # without events the wait ends, and the driver polls
        await driver.wait_for_end(Incarnation("0123 started 2026-01-01T00:00:00.123456789Z"))


async def test_an_engine_outage_does_not_end_the_process(container: Container, tmp_path: Path) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    with EngineProxy(tmp_path / "proxy") as proxy:
        process = make_external(container, tmp_path, host=proxy.host)
        await process.adopt()
        before, calls = process.state, proxy.calls
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(process.wait_for_change)
            await eventually(lambda: proxy.is_called_after(calls), "the driver waits for the engine's events")
            proxy.disconnect()
        assert process.state == before

        await process.restart(NEW)
        failure = running(process).restart_failure
        assert failure is not None
        assert f"there is no socket at {proxy.host}" in failure.reason

        proxy.connect()
        await process.restart(NEW)
        assert (running(process).loaded, running(process).restart_failure) == (NEW, None)


async def test_a_disconnect_during_a_restart_is_reported(container: Container, tmp_path: Path) -> None:
    container.run(command=IGNORES_SIGTERM)
    with EngineProxy(tmp_path / "proxy") as proxy:
        process = make_external(container, tmp_path, host=proxy.host, stop_timeout=8, restart_timeout=40)
        await process.adopt()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(process.restart, NEW)
            await eventually(lambda: was_sent_sigterm(container), "the engine has sent SIGTERM")
            proxy.disconnect()
        failure = running(process).restart_failure
        assert failure is not None
        assert "Docker does not answer" in failure.reason

        proxy.connect()
        await process.restart(NEW)
        assert (running(process).loaded, running(process).restart_failure) == (NEW, None)


async def test_an_unresponsive_engine_is_reported(container: Container, tmp_path: Path) -> None:
    with EngineProxy(tmp_path / "proxy") as proxy:
        proxy.unresponsive = True
        process = make_external(container, tmp_path, host=proxy.host)
        assert "cannot be inspected within 5 s" in (await process.check()).reason


async def test_a_socket_without_permission_names_the_group(tmp_path: Path) -> None:
    printed = await anyio.to_thread.run_sync(observe_as_nobody)
    assert f"no permission on {ENGINE}; run the sidecar in the group that the socket belongs to" in printed


def observe_as_nobody() -> str:
    """The driver's error in a process that is not root."""
    program = f"""
import os
import anyio
from sidecar.adapters.restart.drivers.docker import DockerDriver
from sidecar.domain.errors import DriverError

async def observe():
    try:
        await DockerDriver("fed-1", {ENGINE!r}, 5).observe()
    except DriverError as exc:
        print(exc)

anyio.run(observe)  # as root, so that all modules are imported
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
anyio.run(observe)
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return found.stdout


def test_an_invalid_engine_address_is_rejected() -> None:
    with pytest.raises(
        BadConfiguration, match=r"docker\.host: 'ssh://fed-1' is not the address of a Docker engine"
    ):
        DockerDriver("fed-1", "ssh://fed-1", 5)
