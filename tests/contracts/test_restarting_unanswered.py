"""What the contract of restarting says of a restart that hangs, where it is the API server that hangs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.kubernetes_stages import MutePodStage
from tests.contracts.restarting import (  # noqa: F401 - the tests
    pytestmark,
    test_a_restart_that_a_sidecar_did_not_live_to_see_is_made_by_the_next,
    test_a_restart_that_hangs_is_cut_off_and_tried_again,
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[MutePodStage]:
    made = MutePodStage(tmp_path)
    yield made
    made.close()
