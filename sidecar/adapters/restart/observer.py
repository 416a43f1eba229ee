"""Observing a process that something else launches, and waiting for its next incarnation."""

from __future__ import annotations

from collections.abc import Callable, Set

import anyio

from sidecar.adapters.restart.driver import Driver, Incarnation
from sidecar.domain.errors import DriverError
from sidecar.domain.node.health import Health
from sidecar.domain.servers import ServerList

OBSERVATION_TIMEOUT = 5.0
"""Seconds that one observation of the process may take."""

# Seconds between two observations while the next incarnation is awaited: often at first, then seldom.
_FIRST_INTERVAL, _INTERVAL_FACTOR, _MAX_INTERVAL = 0.05, 1.5, 1.0


class DriverObserver:
    """What a ``driver`` shows of its process. ``file_servers`` returns the list that its file holds now.

    ``end_reason`` says how it ended, by the latest observation, and ``not_ready_reason`` why its next
    incarnation is not there yet; ``""`` if there is nothing to say.
    """

    def __init__(self, driver: Driver, file_servers: Callable[[], ServerList | None]) -> None:
        self.driver = driver
        self.end_reason = ""
        self.not_ready_reason = ""
        self._file_servers = file_servers

    async def observe(self) -> Incarnation | None:
        """The incarnation that runs; None if there is none. Raises `DriverError`, after 5 s at most."""
        try:
            with anyio.fail_after(OBSERVATION_TIMEOUT):
                return await self.observe_without_timeout()
        except TimeoutError as exc:
            raise DriverError(
                f"{self.driver.label} cannot be inspected within {OBSERVATION_TIMEOUT:g} s"
            ) from exc

    async def observe_without_timeout(self) -> Incarnation | None:
        """The same, however long it takes."""
        incarnation = await self.driver.observe()
        self.end_reason = incarnation.end_reason if incarnation else ""
        return None if self.end_reason else incarnation

    async def health(self) -> Health:
        """What the platform says of it."""
        try:
            incarnation = await self.observe()
        except DriverError as exc:
            return Health(False, str(exc))
        if incarnation is None:
            return Health(False, self.end_reason or f"{self.driver.label} does not run")
        return Health(
            not incarnation.unready_reason, incarnation.unready_reason or f"{self.driver.label} runs"
        )

    async def wait_for_next(self, before: Incarnation | None, servers: ServerList) -> Incarnation:
        """Wait until the incarnation after ``before`` is ready. ``servers`` is what its file held.

        It may have read its file late, when that held another list already. Raises `DriverError` where it
        is over as soon as it has begun.
        """
        pause, accepted = _FIRST_INTERVAL, {servers}
        while True:
            try:
                incarnation = await self.observe()
            except DriverError as exc:
                # It may well not answer while it restarts.
                self.not_ready_reason = str(exc)
            else:
                if self.end_reason:
                    raise DriverError(self.end_reason)  # nothing else starts another
                accepted.add(self._file_servers() or servers)
                self.not_ready_reason = self._why_not_ready(incarnation, before, accepted)
                if incarnation is not None and not self.not_ready_reason:
                    return incarnation
            await anyio.sleep(pause)
            pause = min(pause * _INTERVAL_FACTOR, _MAX_INTERVAL)

    def _why_not_ready(
        self, incarnation: Incarnation | None, before: Incarnation | None, accepted: Set[ServerList]
    ) -> str:
        """Why ``incarnation`` is not yet what a restart is to end in; ``""`` where it is.

        ``accepted`` are the lists that its file held since the restart was asked for.
        """
        what = self.driver.label
        if incarnation is None:
            return f"{what} did not come up"
        if self.driver.starts_new_incarnation and before is not None and _is_same(incarnation, before):
            return f"{what} did not end"
        if incarnation.unready_reason:
            return incarnation.unready_reason
        if incarnation.loaded is not None and incarnation.loaded not in accepted:
            return f"{what} says that it runs on another list"
        return ""


def _is_same(incarnation: Incarnation, before: Incarnation) -> bool:
    """Whether it is certainly ``before``; one that says that it loaded another list is another."""
    return bool(incarnation.id) and (incarnation.id, incarnation.loaded) == (before.id, before.loaded)
