"""What is special about a restart that deletes the pod: the API server may hang, and the sidecar is in the
pod.

Two rules of the contract run here once more, where it is the API server that hangs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.restart import contract
from tests.contracts.restart.contract import Rule
from tests.contracts.restart.kubernetes_harnesses import UnresponsiveApiHarness
from tests.contracts.restart.node import running_node

pytestmark = pytest.mark.anyio


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[UnresponsiveApiHarness]:
    made = UnresponsiveApiHarness(tmp_path)
    yield made
    made.close()


@contract.rules(
    contract.a_restart_that_hangs_times_out_and_is_retried,
    contract.the_next_sidecar_completes_an_interrupted_restart,
)
async def test_the_rules_hold_if_the_api_server_hangs(rule: Rule, harness: UnresponsiveApiHarness) -> None:
    await rule(harness)


async def test_a_sidecar_deleted_with_its_pod_needs_no_second_restart(
    harness: UnresponsiveApiHarness,
) -> None:
    harness.configure_app(shutdown_time=0.5)
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.until(lambda: bool(harness.events("stopping")), "the pod is being deleted")
        await node.stop()
        await node.until(lambda: len(harness.starts) == 2, "the container of the next pod runs")
        await node.boot()
        await node.wait_in_sync(second)
        assert harness.starts == [harness.first, second]
        assert node.board.counters.restarts == 0
