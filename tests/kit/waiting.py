"""Waiting for a condition, with a deadline; never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TypeAlias, TypeVar

T = TypeVar("T")
Maybe: TypeAlias = T | Literal[False] | None

DEADLINE = 90.0
"""Seconds. Far more than anything here takes: on a busy machine a test is slow, not wrong."""

# Seconds between two checks: short at first, then longer, because checking slows down what is checked.
_FIRST_PAUSE, _FACTOR, _MAX_PAUSE = 0.01, 1.2, 0.1


def wait_until(condition: Callable[[], Maybe[T]], message: str, deadline: float = DEADLINE) -> T:
    """Return the value of ``condition()`` once it is true; fail with ``message`` past the deadline."""
    end, pause = time.monotonic() + deadline, _FIRST_PAUSE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:g} s: {message} (last: {value!r})")
        time.sleep(pause)
        pause = min(pause * _FACTOR, _MAX_PAUSE)
