"""A process that something else launches, on a virtual clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

from sidecar.adapters.restart.driver import Incarnation
from tests.adapters.restart.external.scripted_process import (
    ScriptedProcess,
)
from tests.adapters.restart.scripted_driver import ScriptedDriver


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


@pytest.fixture
def scripted(tmp_path: Path) -> ScriptedProcess:
    return ScriptedProcess(tmp_path, ScriptedDriver(Incarnation("a", pid=1, age=100.0)))
