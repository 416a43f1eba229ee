"""A container, through the API of the Docker engine that it runs on."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from sidecar.adapters.restart.driver import Incarnation
from sidecar.domain.errors import BadConfiguration, DriverError
from sidecar.domain.servers import ServerList
from sidecar.logs import event

if TYPE_CHECKING:
    from aiodocker import DockerError
    from aiodocker.containers import DockerContainer
    from aiohttp import ClientError

log = logging.getLogger(__name__)

_SCHEMES = ("unix://", "tcp://", "http://", "https://")

# How much of a foreign text (a probe's output, the engine's message) goes into a reason.
_MAX_REASON_LENGTH = 400

# How much of the time to stop in is gone when a JVM is asked for its threads.
_THREAD_DUMP_AT = 0.8
_JAVA = re.compile(r"(\S*/)?java\s")

_NO_SUCH_CONTAINER = 404
# What aiodocker gives a failure to connect, which has no status of HTTP.
_NO_CONNECTION = 900


class DockerDriver:
    """Implements `Driver` for the container called ``container`` (or with that id) of the engine at ``host``.

    ``host`` is ``unix:///var/run/docker.sock`` or ``tcp://HOST:PORT``; with DOCKER_TLS_VERIFY=1 the
    certificates of DOCKER_CERT_PATH are used. ``stop_timeout`` is in seconds, from SIGTERM (or the image's
    STOPSIGNAL) to SIGKILL.

    An incarnation is one start of one container: its id and when that started. A container that was removed
    and created again under its name is another incarnation, not another container. While Docker waits before
    it starts the container again (a restart policy), there is an incarnation that is not ready, with the
    reason.
    """

    starts_new_incarnation = True
    # Also under `restart: unless-stopped` and `always`: Docker remembers that it was stopped.
    can_stop = True

    def __init__(self, container: str, host: str, stop_timeout: float) -> None:
        if not host.startswith(_SCHEMES):
            raise BadConfiguration(
                f"docker.host: {host!r} is not the address of a Docker engine; give unix:///PATH or tcp://HOST:PORT"
            )
        self.label = f"container {container}"
        self._name = container
        self._host = host
        # The API takes whole seconds.
        self._stop_timeout = math.ceil(stop_timeout)

    async def observe(self) -> Incarnation | None:
        """What the engine says of it; a container that is stopped, or not there, has no incarnation."""
        async with self._container() as container:
            try:
                found = await container.show()
            except _docker_error() as exc:
                if exc.status == _NO_SUCH_CONTAINER:
                    return None
                raise
        return _parse_incarnation(found)

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:  # noqa: ARG002 - it reads its file
        """Restart it, or start it where it is stopped: to the engine that is one request."""
        async with self._container() as container:
            state = (await container.show())["State"]
            if state["Status"] in {"dead", "removing"}:
                raise DriverError(
                    f"{self.label} is {state['Status']}: Docker could not remove it whole; "
                    f"docker rm --force {self._name}, then create it again"
                )
            await self._unpause(container, state)
            await self._await_end(container, container.restart(t=self._stop_timeout))

    async def stop(self) -> None:
        """Stop it, and let it stay stopped. One that is not there has been stopped."""
        async with self._container() as container:
            try:
                await self._unpause(container, (await container.show())["State"])
                await self._await_end(container, container.stop(t=self._stop_timeout))
            except _docker_error() as exc:
                if exc.status != _NO_SUCH_CONTAINER:
                    raise

    async def wait_for_end(self, incarnation: Incarnation) -> None:
        """Wait until the engine reports its end or its start; returns also when the engine goes away."""
        identifier, what, when = incarnation.id.split()
        wanted = ["die", "destroy"] if what == _STARTED else ["start", "destroy"]
        filters = {"type": ["container"], "container": [identifier], "event": wanted}
        # From the incarnation's start on: so what happened since the last observation is reported as well.
        since = f"{_parse_time(when).timestamp():.6f}"
        try:
            async with self._container() as container, anyio.create_task_group() as tasks:
                events: Any = container.docker.events
                told = events.subscribe(create_task=False)
                tasks.start_soon(partial(events.run, since=since, filters=json.dumps(filters)))
                await told.get()
                tasks.cancel_scope.cancel()
        except* (_docker_error(), _client_error(), DriverError):
            pass  # the look that follows says what it is

    async def _unpause(self, container: DockerContainer, state: dict[str, Any]) -> None:
        # A process that is frozen hears no SIGTERM: without this it would only be killed.
        if state["Paused"]:
            await container.unpause()

    async def _await_end(self, container: DockerContainer, request: Awaitable[None]) -> None:
        """Await a ``request`` that ends the container; a JVM that does not obey is asked what it does."""
        refused: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._request_thread_dump, container)
            try:
                await request
            except (_docker_error(), _client_error()) as exc:
                refused = exc  # the task group would wrap it
            tasks.cancel_scope.cancel()
        if refused is not None:
            raise refused

    async def _request_thread_dump(self, container: DockerContainer) -> None:
        """Shortly before the engine kills a JVM, have it write a thread dump, which its log keeps."""
        await anyio.sleep(self._stop_timeout * _THREAD_DUMP_AT)
        # A container that ends meanwhile has no processes to list (null), and none to signal.
        with suppress(_docker_error(), _client_error()):
            processes = (await container.top(ps_args="-eo pid,args"))["Processes"] or ()
            if any(_JAVA.match(command) for _, command in processes):
                await container.kill(signal="SIGQUIT")
                told = "container does not stop; its log has the thread dump"
                event(log, logging.WARNING, told, process=self.label, see=f"docker logs {self._name}")

    @asynccontextmanager
    async def _container(self) -> AsyncIterator[DockerContainer]:
        """The container, whether there is one or not; failures become `DriverError`."""
        # Here, not above: 35 ms and 1.7 MiB, for nodes that are containers alone.
        from aiodocker import Docker  # noqa: PLC0415

        try:
            async with Docker(self._host) as docker:
                yield docker.containers.container(self._name)
        except _docker_error() as exc:
            raise DriverError(self._explain(exc)) from exc
        except _client_error() as exc:
            # An answer that breaks off: the engine was stopped in the middle of it.
            raise DriverError(f"{self.label}: Docker's answer broke off: {_shorten(str(exc))}") from exc

    def _explain(self, exc: DockerError) -> str:
        if exc.status == _NO_SUCH_CONTAINER:
            return f"there is no {self.label} at {self._host}; create it, or correct --docker-container"
        if exc.status != _NO_CONNECTION:
            return f"{self.label}: Docker says: {_shorten(exc.message)}"
        # aiodocker keeps the cause only as the context of its own error.
        match getattr(exc.__context__, "os_error", None):
            case PermissionError():
                return (
                    f"no permission on {self._host}; run the sidecar in the group that the socket belongs to "
                    "(docker run --group-add, compose group_add)"
                )
            case FileNotFoundError():
                return (
                    f"there is no socket at {self._host}; start Docker, mount its socket where the sidecar "
                    "is a container, or correct --docker-host"
                )
            case _:
                return f"Docker does not answer at {self._host}; is it running? Else correct --docker-host"


# The second word of an incarnation's id.
_STARTED = "started"
_ENDED = "ended"


def _docker_error() -> type[DockerError]:
    from aiodocker import DockerError  # noqa: PLC0415 - see `_container`

    return DockerError


def _client_error() -> type[ClientError]:
    """What aiodocker lets through of an answer that ends in the middle."""
    from aiohttp import ClientError  # noqa: PLC0415 - see `_container`

    return ClientError


def _parse_incarnation(found: dict[str, Any]) -> Incarnation | None:
    """The incarnation in what ``GET /containers/NAME/json`` answers."""
    state = found["State"]
    # A container that waits for its next start counts as running for Docker, so this comes first.
    if state["Restarting"]:
        unready = (
            f"it ended with exit code {state['ExitCode']}, and Docker starts it again "
            f"(restart {found['RestartCount']}); see docker logs {found['Name'].lstrip('/')}"
        )
        return Incarnation(
            f"{found['Id']} {_ENDED} {state['FinishedAt']}", unready_reason=unready, awaiting_restart=True
        )
    if not state["Running"]:
        return None
    age = max(0.0, (datetime.now(UTC) - _parse_time(state["StartedAt"])).total_seconds())
    name = f"{found['Id']} {_STARTED} {state['StartedAt']}"
    return Incarnation(
        name, state["Pid"] or None, age, unready_reason=_why_unready(found["Name"].lstrip("/"), state)
    )


def _why_unready(name: str, state: dict[str, Any]) -> str:
    """Why a container that runs does not serve; ``""`` where it does, or has no health check."""
    if state["Paused"]:
        return f"it is paused; docker unpause {name}"
    # A container without a health check has no `Health`; one that switched its image's off has "none".
    health = state.get("Health") or {"Status": "none"}
    match health["Status"]:
        case "starting":
            return "its health check has not passed yet (health: starting)"
        case "unhealthy":
            return f"its health check fails: {_last_output(health)}"
        case _:
            return ""


def _last_output(health: dict[str, Any]) -> str:
    probes = health.get("Log") or []
    return (_shorten(probes[-1]["Output"]) if probes else "") or "it says nothing"


def _shorten(text: str) -> str:
    """``text`` on one line, and not too long for a reason."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_REASON_LENGTH else f"{line[: _MAX_REASON_LENGTH - 1]}…"


def _parse_time(text: str) -> datetime:
    """A time as Docker writes it: RFC 3339, with up to nine digits of a second, of which six are kept."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
