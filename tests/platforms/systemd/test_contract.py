"""The restart contract, on a unit of systemd."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.adapters.restart.drivers.systemd import SystemdDriver
from tests.contracts.restart.contract import Rule, each_rule
from tests.contracts.restart.harness import STOP_TIMEOUT, ExternalHarness
from tests.kit.node import APP
from tests.kit.processes import PYTHON
from tests.platforms.systemd.managers import Manager


class SystemdHarness(ExternalHarness):
    """The process is the main process of a unit, which only the sidecar restarts."""

    down_reason = r"failed \(|has ended|did not come up|knows no such unit"

    def __init__(self, folder: Path, system: Manager) -> None:
        super().__init__(folder)
        self.unit = f"contract-{uuid.uuid4().hex[:8]}.service"
        self._system = system
        self._uninstalled = False

    def driver(self) -> SystemdDriver:
        return SystemdDriver(self.unit, stop_timeout=STOP_TIMEOUT)

    def launch(self) -> None:
        if self._uninstalled:
            return
        wait = f"while [ -e {self.folder}/hang ]; do sleep 0.05; done"
        command = " ".join((*PYTHON, str(APP), str(self.folder), str(self.file)))
        self._system.install(self.unit, f"ExecStartPre=/bin/sh -c '{wait}'\nExecStart={command}\nRestart=no")
        self._system.systemctl("start", self.unit)

    def close(self) -> None:
        self._system.clear()
        super().close()

    def make_unavailable(self) -> None:
        """Stop the unit and uninstall it."""
        self._uninstalled = True
        self._system.clear()

    def make_available(self) -> None:
        self._uninstalled = False
        self.launch()

    def hang_restarts(self) -> None:
        """Let the unit's ExecStartPre= hang."""
        (self.folder / "hang").touch()

    def resume_restarts(self) -> None:
        (self.folder / "hang").unlink()


@pytest.fixture
def harness(tmp_path: Path, system: Manager) -> Iterator[SystemdHarness]:
    made = SystemdHarness(tmp_path, system)
    yield made
    made.close()


@pytest.mark.anyio
@each_rule
async def test_the_restart_contract(rule: Rule, harness: SystemdHarness) -> None:
    await rule(harness)
