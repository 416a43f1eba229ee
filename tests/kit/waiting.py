"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar

T = TypeVar("T")
Maybe: TypeAlias = T | Literal[False] | None

DEADLINE = 90.0
"""Seconds. Far more than anything here takes: on a busy machine a test is slow, not wrong."""

# Seconds between two looks: often at first, then seldom, as looking takes from the time of what is looked at.
_FIRST, _FACTOR, _LAST = 0.01, 1.2, 0.1


def wait_until(condition: Callable[[], Maybe[T]], message: str, deadline: float = DEADLINE) -> T:
    """Return what ``condition()`` says once that is true; fail with ``message`` past the deadline."""
    end, pause = time.monotonic() + deadline, _FIRST
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:g} s: {message} (last: {found!r})")
        time.sleep(pause)
        pause = min(pause * _FACTOR, _LAST)
