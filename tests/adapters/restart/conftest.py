"""Real processes: small scripts in a folder of their own, all of them gone after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import anyio
import pytest

from sidecar.adapters.processes.launch import Command
from sidecar.adapters.restart.child import Child
from sidecar.domain.node.process import Backoff, Exited, Running


class MakeChild(Protocol):
    """Makes a `Child` of a shell script's text, or of an argv as it is."""

    def __call__(
        self,
        script: str | tuple[str, ...],
        *,
        stop_timeout: float = 20.0,
        backoff: Backoff = ...,
        clock: Callable[[], float] = ...,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Child: ...


def running(child: Child) -> Running:
    """Its state, which must be that it runs."""
    assert isinstance(child.state, Running)
    return child.state


def pid_of(child: Child) -> int:
    """Its number, which a process that was launched here has."""
    pid = running(child).pid
    assert pid is not None
    return pid


def exited(child: Child) -> Exited:
    """Its state, which must be that it ended by itself."""
    assert isinstance(child.state, Exited)
    return child.state


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def make_child(tmp_path: Path, anyio_backend: str) -> AsyncIterator[MakeChild]:
    made: list[Child] = []

    def make(
        script: str | tuple[str, ...],
        *,
        stop_timeout: float = 20.0,
        backoff: Backoff = Backoff(),  # noqa: B008 - frozen, so that all calls may share it
        clock: Callable[[], float] = anyio.current_time,
        env: dict[str, str] | None = None,
        cwd: Path | None = tmp_path,
    ) -> Child:
        argv = ("/bin/sh", "-c", script) if isinstance(script, str) else script
        child = Child(
            Command(argv, cwd, env),
            folder=tmp_path / "state",
            jitter=lambda: 0.5,
            stop_timeout=stop_timeout,
            backoff=backoff,
            clock=clock,
        )
        made.append(child)
        return child

    yield make
    for child in made:
        child.signal(9)
        await child.stop()
