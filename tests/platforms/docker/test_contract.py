"""The restart contract, on a container."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.adapters.restart.drivers.docker import DockerDriver
from tests.contracts.restart.contract import Rule, each_rule
from tests.contracts.restart.harness import STOP_TIMEOUT, ExternalHarness
from tests.kit.node import APP
from tests.platforms.docker.conftest import CONTAINERS
from tests.platforms.docker.engine import PYTHON, Container
from tests.platforms.docker.engine_proxy import EngineProxy


class DockerHarness(ExternalHarness):
    """The process is the main process of a container, which only the sidecar restarts.

    It shares this machine's network and pid namespace, so that tests can reach it by port and pid.
    """

    down_reason = "has ended|did not come up|there is no container"
    # The engine takes half a second to start a container, and longer on a busy machine.
    short_restart_timeout = 8.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.container = Container(f"test-contract-{uuid.uuid4().hex[:8]}")
        self._proxy = EngineProxy(folder / "engine")
        self._removed = False

    def driver(self) -> DockerDriver:
        return DockerDriver(self.container.name, self._proxy.host, STOP_TIMEOUT)

    def launch(self) -> None:
        if self._removed:
            return
        self.container.run(
            *("--network", "host", "--pid", "host"),
            *("-v", f"{self.folder}:{self.folder}", "-v", f"{APP}:/app.py:ro"),
            image=PYTHON,
            command=("python3", "-I", "-S", "/app.py", str(self.folder), str(self.file)),
        )

    def close(self) -> None:
        self._proxy.disconnect()
        self.container.remove()
        super().close()

    def make_unavailable(self) -> None:
        """Remove the container."""
        self._removed = True
        self.container.remove()

    def make_available(self) -> None:
        self._removed = False
        self.launch()

    def hang_restarts(self) -> None:
        """Let the engine accept requests without an answer."""
        self._proxy.unresponsive = True

    def resume_restarts(self) -> None:
        self._proxy.disconnect()
        self._proxy.unresponsive = False
        self._proxy.connect()


@pytest.fixture
def harness(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DockerHarness]:
    made = DockerHarness(tmp_path)
    request.node.stash.setdefault(CONTAINERS, []).append(made.container)
    yield made
    made.close()


@pytest.mark.anyio
@each_rule
async def test_the_restart_contract(rule: Rule, harness: DockerHarness) -> None:
    await rule(harness)
