"""What a test needs of its machine: missing, it skips for a person, and fails in CI."""

from __future__ import annotations

import os

import pytest


def require(condition: bool, what: str) -> None:
    """Go on if ``condition``; else skip the test, or, under ``CI=true``, fail it."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"this machine lacks what the test needs: {what}")
    pytest.skip(what)
