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
from tests.platforms.docker.conftest import SHOWN
from tests.platforms.docker.engine import PYTHON, Container
from tests.platforms.docker.engine_proxy import EngineProxy


class DockerHarness(ExternalHarness):
    """The process is all of a container, which nobody but the sidecar starts again.

    It sees this machine's network and processes, so that it can be asked, and signalled, by its number.
    """

    down_reason = "has ended|did not come up|there is no container"
    # The engine alone takes half a second to start a container, and more where it is busy.
    short_restart_timeout = 8.0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.container = Container(f"test-contract-{uuid.uuid4().hex[:8]}")
        self._wire = EngineProxy(folder / "engine")
        self._is_away = False

    def driver(self) -> DockerDriver:
        return DockerDriver(self.container.name, self._wire.host, STOP_TIMEOUT)

    def launch(self) -> None:
        if self._is_away:
            return
        self.container.run(
            *("--network", "host", "--pid", "host"),
            *("-v", f"{self.folder}:{self.folder}", "-v", f"{APP}:/app.py:ro"),
            image=PYTHON,
            command=("python3", "-I", "-S", "/app.py", str(self.folder), str(self.file)),
        )

    def close(self) -> None:
        self._wire.cut()
        self.container.remove()
        super().close()

    def make_unavailable(self) -> None:
        """Somebody removes the container."""
        self._is_away = True
        self.container.remove()

    def make_available(self) -> None:
        self._is_away = False
        self.launch()

    def hang_restarts(self) -> None:
        """The engine accepts what it is asked, and does not answer."""
        self._wire.unresponsive = True

    def resume_restarts(self) -> None:
        self._wire.cut()
        self._wire.unresponsive = False
        self._wire.listen()


@pytest.fixture
def harness(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[DockerHarness]:
    made = DockerHarness(tmp_path)
    request.node.stash.setdefault(SHOWN, []).append(made.container)
    yield made
    made.close()


@pytest.mark.anyio
@each_rule
async def test_the_restart_contract(rule: Rule, harness: DockerHarness) -> None:
    await rule(harness)
