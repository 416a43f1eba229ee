"""Healthy is who has been up for a moment: all there is to say of one that serves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from sidecar.domain.node.health import Health
from sidecar.domain.node.process import NoProcess, ProcessState, Running


@dataclass(frozen=True, slots=True)
class UptimeProbe:
    """Looks at the process's ``state``; ``clock`` is the one of `Running.started_at`."""

    state: Callable[[], ProcessState]
    min_uptime: float = 2.0
    clock: Callable[[], float] = anyio.current_time

    async def check(self) -> Health:
        state = self.state()
        if isinstance(state, NoProcess):
            return Health(True, "there is no process to manage")
        if not isinstance(state, Running):
            return Health(False, "the process does not run")
        up = self.clock() - state.started_at
        if up < self.min_uptime:
            return Health(False, f"running for {up:.1f} s; healthy after {self.min_uptime:g} s")
        return Health(True, f"running for at least {self.min_uptime:g} s")
