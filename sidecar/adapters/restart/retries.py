"""Counting what went wrong in a row, and when to try again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sidecar.domain.node.process import Backoff, ProcessState, Running


@dataclass(slots=True)
class RetryCounter:
    """``count`` failures in a row; a process that stayed up for long enough has made good for them."""

    backoff: Backoff
    jitter: Callable[[], float]
    clock: Callable[[], float]
    count: int = 0

    def count_failure(self, state: ProcessState) -> float:
        """Count one more, of a process that was in ``state``; seconds until the next attempt."""
        if isinstance(state, Running) and self.clock() - state.started_at >= self.backoff.reset_after:
            self.count = 0
        self.count += 1
        return self.backoff.delay(self.count, self.jitter())

    def reset(self) -> None:
        """It went well: the next failure is the first."""
        self.count = 0
