"""What is special to a pod that is restarted by deleting it: who else may hang, and who else ends.

The contract's word on a restart that hangs is run once more here, where it is the API server that hangs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.restart.contract import (  # noqa: F401 - the tests
    pytestmark,
    test_a_restart_that_a_sidecar_did_not_live_to_see_is_made_by_the_next,
    test_a_restart_that_hangs_is_cut_off_and_tried_again,
)
from tests.contracts.restart.kubernetes_harnesses import UnresponsiveApiHarness
from tests.contracts.restart.node import running_node


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[UnresponsiveApiHarness]:
    made = UnresponsiveApiHarness(tmp_path)
    yield made
    made.close()


async def test_the_sidecar_ends_with_the_pod_that_it_deletes_and_the_next_one_restarts_nothing(
    harness: UnresponsiveApiHarness,
) -> None:
    harness.behave(stops_slowly=0.5)
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.until(lambda: bool(harness.journal("ends")), "the pod is being deleted")
        await node.stop()
        await node.until(lambda: len(harness.starts) == 2, "the next pod's container runs")
        await node.boot()
        await node.in_step(second)
        assert harness.starts == [harness.first, second]
        assert node.board.counters.restarts == 0
