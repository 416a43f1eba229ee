"""What the tests of files share."""

from __future__ import annotations

import os

import pytest

from tests.prerequisites import require


@pytest.fixture
def root() -> None:
    """For tests that give files away, and act as somebody else."""
    require(os.geteuid() == 0, "to be root")
