"""A driver of a simulated process: a test sets what there is, and what a restart does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from sidecar.adapters.restart.driver import Incarnation
from sidecar.domain.errors import DriverError
from sidecar.domain.servers import ServerList


@dataclass(slots=True)
class ScriptedDriver:
    """``incarnation`` is what `observe` finds; ``observe_error`` makes it fail with that reason,
    ``observe_delay`` take that long; that many first looks find nothing when it ``empty_observations``.

    ``on_restart`` is what a restart does; by default the next incarnation is there immediately.
    """

    incarnation: Incarnation | None = None
    label: str = "the process"
    starts_new_incarnation: bool = True
    can_stop: bool = True
    observe_error: str = ""
    observe_delay: float = 0.0
    empty_observations: int = 0
    asked: list[Incarnation | None] = field(default_factory=list)
    on_restart: Callable[[], Awaitable[None]] | None = None
    on_stop: Callable[[], Awaitable[None]] | None = None
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def set_incarnation(self, incarnation: Incarnation | None) -> None:
        """From now on that is what there is."""
        self.incarnation = incarnation
        self.signal_change()

    def signal_change(self) -> None:
        """Have `wait_for_end` return, whatever has happened."""
        self._changed.set()
        self._changed = anyio.Event()

    async def observe(self) -> Incarnation | None:
        await anyio.sleep(self.observe_delay)
        if self.observe_error:
            raise DriverError(self.observe_error)
        if self.empty_observations > 0:
            self.empty_observations -= 1
            return None
        return self.incarnation

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:  # noqa: ARG002 - a test decides
        self.asked.append(incarnation)
        if self.on_restart is not None:
            await self.on_restart()
        else:
            self.set_incarnation(Incarnation(f"incarnation-{len(self.asked)}", pid=len(self.asked), age=0.0))

    async def stop(self) -> None:
        if self.on_stop is not None:
            await self.on_stop()
        self.set_incarnation(None)

    async def wait_for_end(self, incarnation: Incarnation) -> None:  # noqa: ARG002 - there is one at a time
        await self._changed.wait()
