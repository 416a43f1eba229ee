"""An `ExternalProcess` on the `docker` driver, and the programs in its containers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from sidecar.adapters.restart.drivers.docker import DockerDriver
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.restart.saved_state import loaded_record_file
from sidecar.domain.node.process import Backoff, Running
from sidecar.domain.servers import ServerList
from tests.platforms.docker.engine import Container, docker_or_fail

ENGINE = "unix:///var/run/docker.sock"
OLD = ServerList.parse(["http://fed-1:9000"])
NEW = ServerList.parse(["http://fed-1:9000", "http://fed-2:9001"])

ENDS_ON_SIGTERM = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")
IGNORES_SIGTERM = ("sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")
# It exits with 3 while /test/broken exists.
FAILS_WHEN_BROKEN = ("sh", "-c", f"[ -e /test/broken ] && exit 3; {ENDS_ON_SIGTERM[-1]}")
HEALTH_CHECK = ("--health-interval", "0.2s", "--health-retries", "1", "--health-cmd")


def make_driver(container: Container, stop_timeout: float = 5) -> DockerDriver:
    return DockerDriver(container.name, ENGINE, stop_timeout)


def make_external(
    container: Container,
    folder: Path,
    *,
    host: str = ENGINE,
    restart_timeout: float = 20,
    stop_timeout: float = 5,
    file_servers_at: Callable[[float], ServerList] = lambda _: OLD,
) -> ExternalProcess:
    return ExternalProcess(
        DockerDriver(container.name, host, stop_timeout),
        state_file=loaded_record_file(folder),
        file_servers_at=file_servers_at,
        jitter=lambda: 0.0,
        restart_timeout=restart_timeout,
        backoff=Backoff(first=0.01),
    )


def running(process: ExternalProcess) -> Running:
    assert isinstance(process.state, Running), process.state
    return process.state


async def eventually(condition: Callable[[], Awaitable[object]], message: str) -> None:
    """Wait until ``condition()`` holds."""
    with anyio.fail_after(30):
        while not await condition():  # noqa: ASYNC110 - other processes set no event
            await anyio.sleep(0.05)


async def was_sent_sigterm(container: Container) -> bool:
    """Whether the engine has sent SIGTERM to it."""
    arguments = ("--since", "1m", "--until", "0s", "--filter", "event=kill")
    events = await anyio.to_thread.run_sync(
        lambda: docker_or_fail("events", *arguments, "--filter", f"container={container.inspected['Id']}")
    )
    return bool(events)
