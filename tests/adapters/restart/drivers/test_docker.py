"""The docker driver against an engine that says what a real one says only in rare moments."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.drivers.docker import DockerDriver
from sidecar.domain.errors import DriverError
from tests.builders import servers

pytestmark = pytest.mark.anyio

RUNNING: dict[str, Any] = {
    "Status": "running",
    "Running": True,
    "Paused": False,
    "Restarting": False,
    "Pid": 42,
    "ExitCode": 0,
    "StartedAt": "2026-01-01T00:00:00.123456789Z",
    "FinishedAt": "0001-01-01T00:00:00Z",
}


@dataclass
class Engine:
    """As much of an engine as the driver asks. ``restart_takes`` is in seconds."""

    host: str
    state: dict[str, Any] = field(default_factory=lambda: dict(RUNNING))
    processes: list[list[str]] | None = None
    restart_takes: float = 0.0
    refusal: str = ""
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        asked = request.path.rpartition("/")[2]
        self.asked.append(asked)
        if asked == "events":
            return await _break_off(request)
        if asked == "restart":
            await anyio.sleep(self.restart_takes)
            if self.refusal:
                return _json({"message": self.refusal}, 500)
        documents: dict[str, dict[str, Any]] = {
            "version": {"ApiVersion": "1.41"},
            "json": {"Id": "0123", "Name": "/fed-1", "RestartCount": 0, "State": self.state},
            "top": {"Titles": ["PID", "COMMAND"], "Processes": self.processes},
        }
        return _json(documents[asked]) if asked in documents else web.Response(status=204)


def _json(document: dict[str, Any], status: int = 200) -> web.Response:
    # To the letter: with a charset, as aiohttp would write it, aiodocker does not take it for JSON.
    return web.Response(
        body=json.dumps(document).encode(), status=status, headers={"Content-Type": "application/json"}
    )


async def _break_off(request: web.Request) -> web.StreamResponse:
    """Begin a stream, and never end it."""
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    assert request.transport is not None
    request.transport.close()
    return response


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    made = Engine(f"unix://{tmp_path}/engine")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, f"{tmp_path}/engine").start()
    yield made
    await runner.cleanup()


@pytest.mark.parametrize("status", ["dead", "removing"])
async def test_a_container_that_cannot_be_removed_is_reported(engine: Engine, status: str) -> None:
    engine.state |= {"Status": status, "Running": False}
    driver = DockerDriver("fed-1", engine.host, 5)
    assert await driver.observe() is None
    with pytest.raises(DriverError, match=f"container fed-1 is {status}: .*docker rm --force fed-1"):
        await driver.restart(None, servers(9000))
    assert "restart" not in engine.asked


async def test_only_a_jvm_is_asked_for_its_threads(engine: Engine) -> None:
    engine.restart_takes = 2.0
    for processes, is_asked in (
        (None, False),  # it has ended
        ([["42", "python -m java"]], False),
        ([["41", "sh run.sh"], ["42", "/opt/jdk/bin/java -jar server.jar"]], True),
    ):
        engine.processes = processes
        engine.asked.clear()
        await DockerDriver("fed-1", engine.host, 0).restart(Incarnation("0123"), servers(9000))
        assert ("kill" in engine.asked) is is_asked


async def test_one_that_ends_in_time_is_asked_nothing(engine: Engine) -> None:
    engine.processes = [["42", "java -jar server.jar"]]
    await DockerDriver("fed-1", engine.host, 60).restart(Incarnation("0123"), servers(9000))
    assert "top" not in engine.asked


async def test_a_refusal_of_the_engine_is_one_short_line(engine: Engine) -> None:
    engine.refusal = "driver failed:\n" + "port is already allocated " * 100
    with pytest.raises(DriverError) as caught:
        await DockerDriver("fed-1", engine.host, 5).restart(None, servers(9000))
    message = str(caught.value)
    assert message.startswith("container fed-1: Docker says: driver failed: port is already allocated port")
    assert len(message) < 500
    assert "\n" not in message


async def test_events_that_break_off_are_no_error(engine: Engine) -> None:
    driver = DockerDriver("fed-1", engine.host, 5)
    incarnation = await driver.observe()
    assert incarnation is not None
    with anyio.fail_after(5):
        await driver.wait_for_end(incarnation)
    assert "events" in engine.asked


async def test_a_container_that_waits_for_its_start_is_another_incarnation(engine: Engine) -> None:
    driver = DockerDriver("fed-1", engine.host, 5)
    before = await driver.observe()
    finished = "2026-01-01T00:00:09.987654321Z"
    engine.state |= {"Restarting": True, "Pid": 0, "ExitCode": 3, "FinishedAt": finished}
    between = await driver.observe()
    assert before is not None
    assert between is not None
    assert between.id != before.id
    assert between.pid is None
    assert between.unready_reason == (
        "it ended with exit code 3, and Docker starts it again (restart 0); see docker logs fed-1"
    )


@pytest.mark.parametrize(
    ("health", "unready"),
    [
        (None, ""),
        ({"Status": "none"}, ""),
        ({"Status": "healthy"}, ""),
        ({"Status": "starting"}, "its health check has not passed yet (health: starting)"),
        ({"Status": "unhealthy", "Log": None}, "its health check fails: it says nothing"),
        ({"Status": "unhealthy", "Log": [{"Output": "no\nway\n"}]}, "its health check fails: no way"),
    ],
)
async def test_health_is_reported_as_text(
    engine: Engine, health: dict[str, Any] | None, unready: str
) -> None:
    engine.state["Health"] = health
    incarnation = await DockerDriver("fed-1", engine.host, 5).observe()
    assert incarnation is not None
    assert incarnation.unready_reason == unready
