"""What is known of the process next to the sidecar, and when it may be started again."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from sidecar.domain.servers import ServerList

RELOAD_SIGNALS = frozenset({signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})
"""Signals after which a process is expected to re-read its file and keep running."""


@dataclass(frozen=True, slots=True)
class NotLaunched:
    """The sidecar has not started it yet, or has stopped it on purpose."""


@dataclass(frozen=True, slots=True)
class RestartFailure:
    """The last attempt to restart or stop it failed; the next attempt is due at ``retry_at`` (monotonic)."""

    reason: str
    retry_at: float
    failures: int


@dataclass(frozen=True, slots=True)
class Running:
    """It has run since ``started_at`` (monotonic) with the list ``loaded``, the content of its file then.

    ``pid`` None: it is not visible to this sidecar (it runs in a container elsewhere). ``awaiting_restart``:
    it has exited, and its launcher is about to start the next one.
    """

    pid: int | None
    started_at: float
    loaded: ServerList
    restart_failure: RestartFailure | None = None
    awaiting_restart: bool = False


@dataclass(frozen=True, slots=True)
class Exited:
    """It exited on its own, or could not be started; ``reason`` says which.

    ``code`` is as a shell reports it: 128 + n for signal n; None if it is unknown.
    """

    code: int | None
    retry_at: float
    failures: int
    reason: str = "the process ended by itself"


@dataclass(frozen=True, slots=True)
class NoProcess:
    """There is no process to manage: the sidecar only keeps the file in step."""


ProcessState = NotLaunched | Running | Exited | NoProcess


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before an action that failed is tried again: doubling, capped, jittered.

    A process that ran for ``reset_after`` seconds starts again from the first delay.
    """

    first: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    reset_after: float = 60.0

    def delay(self, failures: int, jitter: float) -> float:
        """Return the seconds to wait after ``failures`` in a row (1 or more); ``jitter`` is in [0, 1).

        Equal jitter: half of the delay is fixed, half is random, so that many clients spread out.
        """
        ceiling = min(self.cap, self.first * self.factor ** min(failures - 1, 32))
        return ceiling / 2 + ceiling / 2 * jitter


@dataclass(frozen=True, slots=True)
class StartupTimeout:
    """How long a process may take to become healthy: doubling with each failed start, capped.

    So a process that hangs is restarted, and one that is only slow gets the time it needs.
    """

    initial: float = 60.0
    max_doublings: int = 4

    def after(self, failed_starts: int) -> float:
        """Return the seconds that a process gets after ``failed_starts`` failed starts in a row."""
        return self.initial * 2.0 ** min(failed_starts, self.max_doublings)
