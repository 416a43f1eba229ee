"""What a way of restarting knows of a process that something else launches; `Attended` does the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class Life:
    """One life of the process, from a start to its end.

    ``name`` tells it from every life before and after, also for a sidecar that is started later; ``""``
    where lives cannot be told apart. ``age`` is in seconds since it started, None where nobody knows.
    ``loaded`` is the list that the process itself says it loaded. ``unready`` says why it does not serve
    yet, where the platform tells that; ``""`` where it does, or nobody tells. ``over`` says how it ended,
    where the platform tells that, and nobody but the sidecar begins the next; ``""`` while it goes on.
    ``between``: it is none, but the pause before its launcher begins the next.
    """

    name: str
    pid: int | None = None
    age: float | None = None
    loaded: ServerList | None = None
    unready: str = ""
    over: str = ""
    between: bool = False


class Driver(Protocol):
    """One way of restarting a process that the sidecar did not launch.

    It keeps no time limits and retries nothing: its methods are cancelled when they take too long, and
    called again later. ``what`` names the process for people: ``container fed-1``.
    """

    @property
    def what(self) -> str: ...

    @property
    def replaces(self) -> bool:
        """Whether a restart makes another life; else the process reads its file anew and lives on."""
        ...

    @property
    def keeps_stopped(self) -> bool:
        """Whether what `stop` has stopped stays stopped, and is not started again by something else."""
        ...

    async def look(self) -> Life | None:
        """The life that it has now; None where it is not there.

        Raises `sidecar.domain.errors.DriverTrouble`, as the other methods do, where that cannot be told.
        """
        ...

    async def restart(self, life: Life | None, servers: ServerList) -> None:
        """Ask for ``life`` to end and the next to begin; with None, for the first to begin.

        ``servers`` is what its file holds. Returns when that was asked for, and at the latest when it is
        done. Raises `DriverTrouble`.
        """
        ...

    async def stop(self) -> None:
        """End it; returns when it has ended. Only called where it `keeps_stopped`. Raises `DriverTrouble`."""
        ...

    async def ended(self, life: Life) -> None:
        """Return when ``life`` may have ended; too often is no error, but costs a look each time."""
        ...
