"""The `docker` driver and an engine that is away, goes away, hangs, or refuses."""

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
    ("host", "told"),
    [
        ("unix:///no/docker.sock", "there is no socket at unix:///no/docker.sock; start Docker"),
        ("tcp://127.0.0.1:1", "Docker does not answer at tcp://127.0.0.1:1; is it running?"),
    ],
)
async def test_an_engine_that_is_away_is_told_and_ends_nothing(host: str, told: str, tmp_path: Path) -> None:
    driver = DockerDriver("fed-1", host, 5)
    process = ExternalProcess(
        driver, state_file=loaded_record_file(tmp_path), file_servers_at=lambda _: OLD, jitter=lambda: 0.0
    )
    assert told in (await process.check()).reason
    await process.start(NEW)
    assert isinstance(process.state, Exited)
    assert told in process.state.reason
    with anyio.fail_after(5):  # what cannot be waited for is looked at
        await driver.wait_for_end(Incarnation("0123 started 2026-01-01T00:00:00.123456789Z"))


async def test_an_engine_that_goes_away_and_comes_back_has_ended_nothing(
    container: Container, tmp_path: Path
) -> None:
    container.run(command=ENDS_ON_SIGTERM)
    with EngineProxy(tmp_path / "proxy") as proxy:
        process = make_external(container, tmp_path, host=proxy.host)
        await process.adopt()
        before, calls = process.state, proxy.calls
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(process.wait_for_change)
            await eventually(lambda: proxy.is_called_after(calls), "the engine's events are awaited")
            proxy.cut()
        assert process.state == before

        await process.restart(NEW)
        trouble = running(process).restart_failure
        assert trouble is not None
        assert f"there is no socket at {proxy.host}" in trouble.reason

        proxy.listen()
        await process.restart(NEW)
        assert (running(process).loaded, running(process).restart_failure) == (NEW, None)


async def test_an_engine_that_breaks_off_in_a_restart_has_restarted_it(
    container: Container, tmp_path: Path
) -> None:
    container.run(command=IGNORES_SIGTERM)
    with EngineProxy(tmp_path / "proxy") as proxy:
        process = make_external(container, tmp_path, host=proxy.host, stop_timeout=8, restart_timeout=40)
        await process.adopt()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(process.restart, NEW)
            await eventually(lambda: was_sent_sigterm(container), "the engine asks it to end")
            proxy.cut()
        trouble = running(process).restart_failure
        assert trouble is not None
        assert "Docker does not answer" in trouble.reason

        proxy.listen()
        await process.restart(NEW)
        assert (running(process).loaded, running(process).restart_failure) == (NEW, None)


async def test_an_engine_that_never_answers_is_told(container: Container, tmp_path: Path) -> None:
    with EngineProxy(tmp_path / "proxy") as proxy:
        proxy.unresponsive = True
        process = make_external(container, tmp_path, host=proxy.host)
        assert "cannot be looked at within 5 s" in (await process.check()).reason


async def test_a_socket_that_one_may_not_use_says_who_may(tmp_path: Path) -> None:
    told = await anyio.to_thread.run_sync(observe_as_nobody)
    assert f"no permission on {ENGINE}; run the sidecar in the group that the socket belongs to" in told


def observe_as_nobody() -> str:
    """What the driver says in a process that is not root."""
    program = f"""
import os
import anyio
from sidecar.adapters.restart.drivers.docker import DockerDriver
from sidecar.domain.errors import DriverError

async def look():
    try:
        await DockerDriver("fed-1", {ENGINE!r}, 5).observe()
    except DriverError as exc:
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
