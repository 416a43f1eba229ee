"""An `Attended` on the `docker` driver, and the programs that it looks after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from sidecar.adapters.restart.drivers.docker import DockerDriver
from sidecar.adapters.restart.external import Attended
from sidecar.adapters.restart.saved_state import seen_memory
from sidecar.domain.node.process import Backoff, Running
from sidecar.domain.servers import ServerList
from tests.platforms.docker.engine import Container, done

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


def attend(
    container: Container,
    folder: Path,
    *,
    host: str = ENGINE,
    within: float = 20,
    stop_timeout: float = 5,
    held: Callable[[float], ServerList] = lambda _: OLD,
) -> Attended:
    return Attended(
        DockerDriver(container.name, host, stop_timeout),
        memory=seen_memory(folder),
        held=held,
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


async def asked_to_end(container: Container) -> bool:
    """Whether the engine has sent it SIGTERM."""
    arguments = ("--since", "1m", "--until", "0s", "--filter", "event=kill")
    told = await anyio.to_thread.run_sync(
        lambda: done("events", *arguments, "--filter", f"container={container.inspected['Id']}")
    )
    return bool(told)
