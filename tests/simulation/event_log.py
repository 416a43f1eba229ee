"""What happened in a simulated network, and what should not have."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

MAX_LINES = 60


class InvariantViolated(AssertionError):
    """A promise was not kept, in the simulated network."""


@dataclass(slots=True)
class EventLog:
    """The last events, and the first promises that were broken. ``stop`` ends the simulation."""

    stop: Callable[[], object] = lambda: None
    echo: Callable[[str], object] | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LINES))
    broken: list[str] = field(default_factory=list)

    def record(self, what: str) -> None:
        line = f"{anyio.current_time():9.2f}  {what}"
        self.lines.append(line)
        if self.echo:
            self.echo(line)

    def violated(self, what: str) -> None:
        """A promise was not kept: what follows proves nothing any more."""
        self.record(f"BROKEN: {what}")
        self.broken.append(what)
        self.stop()
