"""The events in a simulated network, and the violated invariants."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

MAX_LINES = 60


class InvariantViolated(AssertionError):
    """An invariant does not hold in the simulated network."""


@dataclass(slots=True)
class EventLog:
    """The last events, and the invariants that were violated. ``stop`` ends the simulation."""

    stop: Callable[[], object] = lambda: None
    echo: Callable[[str], object] | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_LINES))
    violations: list[str] = field(default_factory=list)

    def record(self, what: str) -> None:
        line = f"{anyio.current_time():9.2f}  {what}"
        self.lines.append(line)
        if self.echo:
            self.echo(line)

    def violated(self, what: str) -> None:
        """Record that an invariant was violated, and end the simulation."""
        self.record(f"VIOLATED: {what}")
        self.violations.append(what)
        self.stop()
