"""Prerequisites of a test on its machine: without them it is skipped, or fails in CI."""

from __future__ import annotations

import os

import pytest


def require(condition: bool, what: str) -> None:
    """Return if ``condition``; otherwise skip the test, or fail it under ``CI=true``."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"this machine lacks what the test needs: {what}")
    pytest.skip(what)
