"""The contract of restarting, on the drivers that need nothing but this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contracts.kubernetes_stages import ContainerStage, PodStage, WorkloadStage
from tests.contracts.restart_stage import Stage
from tests.contracts.restart_stages import (
    ChildStage,
    CommandStage,
    EndpointStage,
    PatternStage,
    SignalStage,
)
from tests.contracts.restarting import *  # noqa: F403 - the tests

STAGES: dict[str, Callable[[Path], Stage]] = {
    "child": ChildStage,
    "signal": SignalStage,
    "signal by pattern": PatternStage,
    "endpoint": EndpointStage,
    "command": CommandStage,
    "kubernetes container": ContainerStage,
    "kubernetes pod": PodStage,
    "kubernetes workload": WorkloadStage,
}


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    made = STAGES[request.param](tmp_path)
    yield made
    made.close()
