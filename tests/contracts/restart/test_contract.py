"""The restart contract, on the drivers that need nothing but this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contracts.restart.contract import Rule, each_rule
from tests.contracts.restart.harness import Harness
from tests.contracts.restart.kubernetes_harnesses import ContainerHarness, PodHarness, WorkloadHarness
from tests.contracts.restart.local_harnesses import (
    ChildHarness,
    CommandHarness,
    EndpointHarness,
    PatternHarness,
    SignalHarness,
)

HARNESSES: dict[str, Callable[[Path], Harness]] = {
    "child": ChildHarness,
    "signal": SignalHarness,
    "signal by pattern": PatternHarness,
    "endpoint": EndpointHarness,
    "command": CommandHarness,
    "kubernetes container": ContainerHarness,
    "kubernetes pod": PodHarness,
    "kubernetes workload": WorkloadHarness,
}


@pytest.fixture(params=HARNESSES)
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    made = HARNESSES[request.param](tmp_path)
    yield made
    made.close()


@pytest.mark.anyio
@each_rule
async def test_the_restart_contract(rule: Rule, harness: Harness) -> None:
    await rule(harness)
