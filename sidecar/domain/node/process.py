"""What is known of the process next to the sidecar, and when it may be started again."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from sidecar.domain.servers import ServerList

RELOAD_SIGNALS = frozenset({signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})
"""What a process does not end on, but reads its file anew."""


@dataclass(frozen=True, slots=True)
class NotLaunched:
    """It has not been started in this life of the sidecar, or was stopped on purpose."""


@dataclass(frozen=True, slots=True)
class RestartFailure:
    """The last attempt at restarting it failed, and it runs on; the next attempt is due at ``retry_at``."""

    reason: str
    retry_at: float
    failures: int


@dataclass(frozen=True, slots=True)
class Running:
    """It runs since ``started_at`` (monotonic seconds), on the list that stood in its file when it started.

    ``pid`` None: it is not a process in this sidecar's sight (a container elsewhere). ``awaiting_restart``:
    it ended, and its launcher is about to begin the next.
    """

    pid: int | None
    started_at: float
    loaded: ServerList
    restart_failure: RestartFailure | None = None
    awaiting_restart: bool = False


@dataclass(frozen=True, slots=True)
class Exited:
    """It ended by itself, or could not be brought up; ``reason`` says which.

    ``code`` is as a shell gives it: 128 + n for signal n; None where unknown.
    """

    code: int | None
    retry_at: float
    failures: int
    reason: str = "the process ended by itself"


@dataclass(frozen=True, slots=True)
class NoProcess:
    """There is none to look after: the sidecar only keeps the file."""


ProcessState = NotLaunched | Running | Exited | NoProcess


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before starting a process that died: doubling, capped, jittered.

    A process that stayed up for ``reset_after`` seconds starts again from the first delay.
    """

    first: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    reset_after: float = 60.0

    def delay(self, failures: int, jitter: float) -> float:
        """Seconds to wait after the ``failures``-th death in a row (from 1); ``jitter`` in [0, 1).

        Equal jitter: half of the delay is certain, half is drawn, so a herd spreads out.
        """
        ceiling = min(self.cap, self.first * self.factor ** min(failures - 1, 32))
        return ceiling / 2 + ceiling / 2 * jitter


@dataclass(frozen=True, slots=True)
class StartupTimeout:
    """How long a process may take to become healthy: doubling with each start that was in vain, capped.

    So one that hangs is started anew, and one that is only slow is given the time that it takes.
    """

    initial: float = 60.0
    max_doublings: int = 4

    def after(self, failed_starts: int) -> float:
        """Seconds for a process after ``failed_starts`` starts in a row that did not make it healthy."""
        return self.initial * 2.0 ** min(failed_starts, self.max_doublings)
