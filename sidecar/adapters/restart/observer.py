"""Looking at a process that something else launches, and out for its next life."""

from __future__ import annotations

from collections.abc import Callable, Set

import anyio

from sidecar.adapters.restart.drivers.driver import Driver, Life
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.node.health import Health
from sidecar.domain.servers import ServerList

LOOK = 5.0
"""Seconds that one look at the process may take."""

# Seconds between two looks for the next life: often at first, then seldom.
_FIRST, _FACTOR, _SLOWEST = 0.05, 1.5, 1.0


class Sight:
    """What a ``driver`` shows of its process. ``held`` tells which list its file holds now.

    ``over`` says how it ended, as the latest look found it, and ``arriving`` why its next life is not there
    yet; ``""`` where there is nothing to say.
    """

    def __init__(self, driver: Driver, held: Callable[[], ServerList | None]) -> None:
        self.driver = driver
        self.over = ""
        self.arriving = ""
        self._held = held

    async def look(self) -> Life | None:
        """The life that goes on; None where there is none. Raises `DriverTrouble`, after 5 s at most."""
        try:
            with anyio.fail_after(LOOK):
                return await self.look_patiently()
        except TimeoutError as exc:
            raise DriverTrouble(f"{self.driver.what} cannot be looked at within {LOOK:g} s") from exc

    async def look_patiently(self) -> Life | None:
        """The same, however long it takes."""
        life = await self.driver.look()
        self.over = life.over if life else ""
        return None if self.over else life

    async def health(self) -> Health:
        """What the platform says of it."""
        try:
            life = await self.look()
        except DriverTrouble as exc:
            return Health(False, str(exc))
        if life is None:
            return Health(False, self.over or f"{self.driver.what} does not run")
        return Health(not life.unready, life.unready or f"{self.driver.what} runs")

    async def next_life(self, before: Life | None, servers: ServerList) -> Life:
        """Wait for the life after ``before``, and until it is ready. ``servers`` is what its file held.

        It may have read its file late, when that held another list already. Raises `DriverTrouble` where it
        is over as soon as it has begun.
        """
        pause, held = _FIRST, {servers}
        while True:
            try:
                life = await self.look()
            except DriverTrouble as exc:
                # It may well not answer while it restarts.
                self.arriving = str(exc)
            else:
                if self.over:
                    raise DriverTrouble(self.over)  # nobody else begins another
                held.add(self._held() or servers)
                self.arriving = self._not_yet(life, before, held)
                if life is not None and not self.arriving:
                    return life
            await anyio.sleep(pause)
            pause = min(pause * _FACTOR, _SLOWEST)

    def _not_yet(self, life: Life | None, before: Life | None, held: Set[ServerList]) -> str:
        """Why ``life`` is not yet what a restart is to end in; ``""`` where it is.

        ``held`` are the lists that its file held since the restart was asked for.
        """
        what = self.driver.what
        if life is None:
            return f"{what} did not come up"
        if self.driver.replaces and before is not None and _is_the_same(life, before):
            return f"{what} did not end"
        if life.unready:
            return life.unready
        if life.loaded is not None and life.loaded not in held:
            return f"{what} says that it runs on another list"
        return ""


def _is_the_same(life: Life, before: Life) -> bool:
    """Whether it is the life ``before`` for certain; one that says that it loaded another list is another."""
    return bool(life.name) and (life.name, life.loaded) == (before.name, before.loaded)
