"""The port of a restart driver: how to observe and restart a process that something else launches.

`ExternalProcess` adds timeouts, retries and supervision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One run of the process, from a start to its end.

    ``id`` differs from those of all runs before and after, also for a sidecar that is started later; it is
    ``""`` if the driver cannot distinguish runs. ``age`` is in seconds since the start, None if unknown.
    ``loaded`` is the list that the process itself says it loaded. ``unready_reason`` says why it does not
    serve yet, if the platform knows; else it is ``""``. ``end_reason`` says how it ended, if the platform
    knows and only the sidecar starts the next; it is ``""`` while it runs. ``awaiting_restart``: it is no
    run, but the pause before its launcher starts the next.
    """

    id: str
    pid: int | None = None
    age: float | None = None
    loaded: ServerList | None = None
    unready_reason: str = ""
    end_reason: str = ""
    awaiting_restart: bool = False


class Driver(Protocol):
    """One way of restarting a process that the sidecar did not launch.

    It keeps no time limits and retries nothing: its methods are cancelled when they take too long, and
    called again later. ``label`` names the process for people: ``container fed-1``.
    """

    @property
    def label(self) -> str: ...

    @property
    def starts_new_incarnation(self) -> bool:
        """Whether a restart starts another run; if not, the process only reads its file again."""
        ...

    @property
    def can_stop(self) -> bool:
        """Whether what `stop` has stopped stays stopped, and is not started again by something else."""
        ...

    async def observe(self) -> Incarnation | None:
        """The run that it is in now; None if there is none.

        Raises `sidecar.domain.errors.DriverError`, as the other methods do, if it cannot be observed.
        """
        ...

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:
        """Ask for ``incarnation`` to end and the next to begin; with None, for the first to begin.

        ``servers`` is what its file holds. Returns when that was asked for, and at the latest when it is
        done. Raises `DriverError`.
        """
        ...

    async def stop(self) -> None:
        """End it; returns when it has ended. Only called where it `can_stop`. Raises `DriverError`."""
        ...

    async def wait_for_end(self, incarnation: Incarnation) -> None:
        """Return when ``incarnation`` may have ended; the caller then observes the process."""
        ...
