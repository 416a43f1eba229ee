"""What a signal to the sidecar means: stop, re-execute, or something for the process next to it."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn, Protocol

import anyio
from anyio.abc import TaskStatus

from sidecar.logs import event

log = logging.getLogger(__name__)

# One request may come as two signals: timeout(1) signals its command and then its whole group.
SECOND_SIGNAL_INTERVAL = 0.5
"""Seconds between two signals that make the second one a second request."""

# Seconds that the loop's threads may take to end, before the sidecar re-executes.
_THREAD_JOIN_TIMEOUT = 1.0

_SHUTDOWN_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})
# As for every daemon: read the settings again, here by re-executing.
_REEXEC_SIGNAL = signal.SIGHUP
# What an application may have a meaning for: dump threads, rotate logs, the terminal's size.
_FORWARDED_SIGNALS = frozenset(
    {
        signal.SIGQUIT,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
        signal.SIGCONT,
    }
)

# The kernel keeps one table of handlers a process, so there is one here: what came too late for this
# execution of the sidecar.
_deferred: list[int] = []


class SignalTarget(Protocol):
    """Whatever a signal is passed on to."""

    def signal(self, signum: int) -> None: ...


async def forward_signals(
    *,
    process: SignalTarget,
    stop: Callable[[], object],
    reexec: Callable[[], object],
    will_reexec: Callable[[], bool] = lambda: False,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> NoReturn:
    """Pass signals on to ``process``; on SIGTERM or SIGINT call ``stop``, on SIGHUP ``reexec``.

    A second SIGTERM or SIGINT, `SECOND_SIGNAL_INTERVAL` later or more, kills the process at once: a person
    who asks twice does not want to wait for the stop timeout. Signals are caught once the task has started
    (``await group.start(…)``); start it before the process, and keep it running through the shutdown, or the
    second one kills the sidecar and leaves the process behind. Where the sidecar ``will_reexec`` when it is
    cancelled, they stay caught, for its next execution; see `block_signals_for_reexec`.
    """
    stop_requested_at: float | None = None
    caught = _signals_to_catch()
    with _catch(caught, will_reexec) as (wakeup, received):
        # A sidecar that re-executed has them blocked, so that none could hit it on the way.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, caught)
        task_status.started()
        while True:
            while not received:
                await anyio.wait_readable(wakeup)
                os.read(wakeup, 1 << 16)
            number, received_at = received.popleft()
            signum = signal.Signals(number)
            if signum in _FORWARDED_SIGNALS:
                process.signal(signum)
            elif signum == _REEXEC_SIGNAL:
                reexec()
            elif stop_requested_at is None:
                stop_requested_at = received_at
                event(log, logging.INFO, "shutting down", signal=signum.name)
                stop()
            elif received_at >= stop_requested_at + SECOND_SIGNAL_INTERVAL:
                event(
                    log,
                    logging.WARNING,
                    "second termination signal; killing the process",
                    signal=signum.name,
                )
                process.signal(signal.SIGKILL)


@contextmanager
def _catch(
    signums: Collection[signal.Signals], will_reexec: Callable[[], bool]
) -> Iterator[tuple[int, deque[tuple[int, float]]]]:
    """Yield a descriptor that becomes readable when a signal has come, and those that have, each with when.

    No receiver of an event loop: that gives the signals back to the kernel as it ends, whose default is to
    kill, while a sidecar that re-executes has yet to do so.
    """
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    received = deque[tuple[int, float]]()

    def receive(signum: int, _: object) -> None:
        # When it came, not when the loop gets to it: a loop that is late must not make one request two.
        received.append((signum, time.monotonic()))
        # Once more, for where an event loop has the wakeup descriptor for signals of its own.
        with suppress(BlockingIOError):
            os.write(writing, b"!")

    for signum in signums:
        signal.signal(signum, receive)
    # The kernel may give a signal to any thread; `receive` runs in the main one, once that is woken up.
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading, received
    finally:
        signal.set_wakeup_fd(before)
        keeps_signals = will_reexec()
        for signum in signums:
            signal.signal(signum, defer_signal if keeps_signals else signal.SIG_DFL)
        _deferred.extend(signum for signum, _ in received)
        os.close(reading)
        os.close(writing)


def defer_signal(signum: int, _: object = None) -> None:
    """Keep a signal that came too late for this execution of the sidecar; also as its handler."""
    _deferred.append(signum)


def block_signals_for_reexec() -> None:
    """Hold all signals back, also what came since they were last read, until they are caught again.

    Call it from the main thread, just before the sidecar re-executes: what is blocked and pending
    outlives that.
    """
    end = time.monotonic() + _THREAD_JOIN_TIMEOUT
    for thread in threading.enumerate():
        # Those of the loop are ending. A signal that one of them took from now on would be lost.
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, end - time.monotonic()))
    signal.pthread_sigmask(signal.SIG_BLOCK, _SHUTDOWN_SIGNALS | _FORWARDED_SIGNALS | {_REEXEC_SIGNAL})
    for signum in _deferred:
        signal.pthread_kill(threading.get_ident(), signum)


def _signals_to_catch() -> frozenset[signal.Signals]:
    """All but those that were ignored from the start, as nohup and a script's ``&`` do.

    SIGTERM always: it is how services are stopped. SIGHUP too: a process that ignores it is to outlive a
    terminal, as a sidecar that re-executes does.
    """
    wanted = _SHUTDOWN_SIGNALS | _FORWARDED_SIGNALS
    ignored = {signum for signum in wanted if signal.getsignal(signum) is signal.SIG_IGN}
    return wanted - ignored | {signal.SIGTERM, _REEXEC_SIGNAL}
