"""The driver ``itself``: what has to read the file anew is the sidecar's own program."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from sidecar.adapters.restart.drivers.driver import Life
from sidecar.domain.errors import BadConfiguration, DriverTrouble
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class SelfDriver:
    """``life`` names this execution of the program.

    ``execute_anew`` asks for the next one, and raises `BadConfiguration` where that could not come up.
    """

    life: str
    execute_anew: Callable[[], Awaitable[None]]
    what: str = "the sidecar"
    replaces: bool = True
    keeps_stopped: bool = False

    async def look(self) -> Life | None:
        return Life(self.life, os.getpid())

    async def restart(self, life: Life | None, servers: ServerList) -> None:  # noqa: ARG002 - there is one life at a time
        try:
            await self.execute_anew()
        except BadConfiguration as exc:
            raise DriverTrouble(f"the sidecar cannot be executed anew: {exc}") from exc
        await anyio.sleep_forever()

    async def stop(self) -> None:
        raise DriverTrouble("the sidecar does not stop itself; `systemctl stop`, or a signal, does")

    async def ended(self, life: Life) -> None:  # noqa: ARG002 - nobody outlives it here
        await anyio.sleep_forever()
