"""The driver ``itself``: the program that has to read the file again is the sidecar's own."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from sidecar.adapters.restart.driver import Incarnation
from sidecar.domain.errors import BadConfiguration, DriverError
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class ReexecDriver:
    """``execution_id`` names this execution of the program.

    ``reexec`` asks for the next one, and raises `BadConfiguration` where that could not come up.
    """

    execution_id: str
    reexec: Callable[[], Awaitable[None]]
    label: str = "the sidecar"
    starts_new_incarnation: bool = True
    can_stop: bool = False

    async def observe(self) -> Incarnation | None:
        return Incarnation(self.execution_id, os.getpid())

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:  # noqa: ARG002 - there is one at a time
        try:
            await self.reexec()
        except BadConfiguration as exc:
            raise DriverError(f"the sidecar cannot be re-executed: {exc}") from exc
        await anyio.sleep_forever()

    async def stop(self) -> None:
        raise DriverError("the sidecar does not stop itself; `systemctl stop`, or a signal, does")

    async def wait_for_end(self, incarnation: Incarnation) -> None:  # noqa: ARG002 - nothing here outlives it
        await anyio.sleep_forever()
