"""What a signal to the sidecar means: its end, its going on anew, or something for the process next to it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from typing import NoReturn, Protocol

import anyio
from anyio.abc import TaskStatus

from sidecar.logs import event

log = logging.getLogger(__name__)

# One wish may come as two signals: timeout(1) signals its command and then its whole group.
HURRY = 0.5
"""Seconds between two signals that make the second one a second wish."""

_ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
# As for every daemon: read the settings anew, here by being executed anew.
_GOING_ON = signal.SIGHUP
# What an application may have a meaning for: dump threads, rotate logs, the terminal's size.
_PASSED_ON = frozenset(
    {
        signal.SIGQUIT,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
        signal.SIGCONT,
    }
)


class Signalled(Protocol):
    """Whatever a signal is passed on to."""

    def signal(self, signum: int) -> None: ...


async def pass_signals(
    *,
    process: Signalled,
    stop: Callable[[], object],
    go_on: Callable[[], object],
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> NoReturn:
    """Pass signals on to ``process``; on SIGTERM or SIGINT call ``stop``, on SIGHUP ``go_on``.

    A second SIGTERM or SIGINT, `HURRY` later or more, kills the process at once: whoever asks twice
    does not want to wait for the grace period. Signals are caught once the task has started
    (``await group.start(…)``); start it before the process, and keep it running through the
    shutdown, or the second one kills the sidecar and leaves the process behind.
    """
    asked_at: float | None = None
    caught = _caught()
    with anyio.open_signal_receiver(*sorted(caught)) as signals:
        # A sidecar that was executed anew has them blocked, so that none could hit it on the way.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, caught)
        task_status.started()
        async for signum in signals:
            if signum in _PASSED_ON:
                process.signal(signum)
            elif signum == _GOING_ON:
                go_on()
            elif asked_at is None:
                asked_at = anyio.current_time()
                event(log, logging.INFO, "shutting down", signal=signum.name)
                stop()
            elif anyio.current_time() >= asked_at + HURRY:
                event(
                    log,
                    logging.WARNING,
                    "asked a second time; the process is killed",
                    signal=signum.name,
                )
                process.signal(signal.SIGKILL)
    raise AssertionError("a signal receiver never ends")


def _caught() -> frozenset[signal.Signals]:
    """All but those that were ignored from the start, as nohup and a script's ``&`` do.

    SIGTERM always: it is how services are stopped. SIGHUP too: whoever ignores it wants to outlive a
    terminal, as a sidecar that goes on does.
    """
    wanted = _ENDING | _PASSED_ON
    ignored = {signum for signum in wanted if signal.getsignal(signum) is signal.SIG_IGN}
    return wanted - ignored | {signal.SIGTERM, _GOING_ON}


def blocked_on_the_way() -> frozenset[signal.Signals]:
    """What must not hit a sidecar between its being executed anew and its catching signals again."""
    return _ENDING | _PASSED_ON | {_GOING_ON}
