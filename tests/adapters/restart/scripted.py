"""A driver of a process that is only told of: a test says what there is, and what a restart does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio

from sidecar.adapters.restart.drivers.driver import Life
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.servers import ServerList


@dataclass(slots=True)
class ScriptedDriver:
    """``life`` is what `look` finds; ``blind`` makes it fail with that reason, ``slow`` take that long;
    that many first looks find nothing when it ``comes_late``.

    ``on_restart`` is what a restart does; by default the next life is there at once.
    """

    life: Life | None = None
    what: str = "the process"
    replaces: bool = True
    keeps_stopped: bool = True
    blind: str = ""
    slow: float = 0.0
    comes_late: int = 0
    asked: list[Life | None] = field(default_factory=list)
    on_restart: Callable[[], Awaitable[None]] | None = None
    on_stop: Callable[[], Awaitable[None]] | None = None
    _news: anyio.Event = field(default_factory=anyio.Event)

    def becomes(self, life: Life | None) -> None:
        """From now on that is what there is."""
        self.life = life
        self.wake()

    def wake(self) -> None:
        """Have `ended` return, whatever has happened."""
        self._news.set()
        self._news = anyio.Event()

    async def look(self) -> Life | None:
        await anyio.sleep(self.slow)
        if self.blind:
            raise DriverTrouble(self.blind)
        if self.comes_late > 0:
            self.comes_late -= 1
            return None
        return self.life

    async def restart(self, life: Life | None, servers: ServerList) -> None:  # noqa: ARG002 - a test tells
        self.asked.append(life)
        if self.on_restart is not None:
            await self.on_restart()
        else:
            self.becomes(Life(f"life-{len(self.asked)}", pid=len(self.asked), age=0.0))

    async def stop(self) -> None:
        if self.on_stop is not None:
            await self.on_stop()
        self.becomes(None)

    async def ended(self, life: Life) -> None:  # noqa: ARG002 - there is one at a time
        await self._news.wait()
