"""The process that the sidecar launches itself: `sidecar run … -- COMMAND`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio

from sidecar.adapters.processes import procfs
from sidecar.adapters.processes.launch import (
    Command,
    NotStarted,
    describe_exit,
    exit_code,
    launch,
    reap,
    track,
)
from sidecar.adapters.processes.pidfd import Pidfd, require_pidfd
from sidecar.adapters.processes.session import BeforeKill, Session, no_hook
from sidecar.adapters.restart.adoption import find_launched
from sidecar.adapters.restart.retries import RetryCounter
from sidecar.adapters.restart.saved_state import LaunchRecord, launch_record_file
from sidecar.domain.node.process import Backoff, Exited, NotLaunched, ProcessState, RestartFailure, Running
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)


class Child:
    """A command, launched in a session of its own and ended with all that it started.

    The process is the one that was launched, as long as it lives (a ``run.sh`` that runs java in
    the foreground, or ``exec``s it). When it exits with 0 and leaves others of its session behind,
    it was a launcher (a ``run.sh`` that ends in ``java … &``, an application that restarts itself
    by starting its successor), and from then on the process is what is left, until nothing is.
    When it exits with anything else it has died, and what it left behind is ended before it is
    started again.

    Nothing is polled and no task runs: `wait_for_change` waits for a death on a pidfd.
    """

    def __init__(
        self,
        command: Command,
        *,
        folder: Path,
        jitter: Callable[[], float],
        stop_timeout: float = 10.0,
        before_kill: BeforeKill = no_hook,
        backoff: Backoff = Backoff(),  # noqa: B008 - frozen, so that all calls may share it
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        require_pidfd()
        self._command = command
        self._state_file = launch_record_file(folder)
        self._stop_timeout = stop_timeout
        self._before_kill = before_kill
        self._clock = clock
        self._state: ProcessState = NotLaunched()
        self._retries = RetryCounter(backoff, jitter, clock)
        self._last_exit: int | None = None
        # All that was launched and is not known to be gone; without a `_pidfd` these are
        # leftovers.
        self._session: Session | None = None
        self._session_start_ticks: int | None = None
        self._pidfd: Pidfd | None = None
        self._watch_started = anyio.Event()
        # One at a time starts or ends it: a shutdown's stop waits for the restart that it
        # interrupts.
        self._lock = anyio.Lock()

    @property
    def state(self) -> ProcessState:
        """What is known of it now; a death shows once `wait_for_change` has seen it."""
        return self._state

    @property
    def last_exit(self) -> int | None:
        """What it last exited with, as a shell gives it; None before that, and if it is unknown.

        It is unknown of an adopted process, and of one that a launcher left behind: its parent is
        not here.
        """
        return self._last_exit

    def adopt(self) -> bool:
        """Take over the process that an earlier execution left running; return whether it did.

        Call it once, before the first `start`. What cannot be taken over (its launcher is gone, or
        it runs another command) is ended by the next `start`, `stop` or `wait_for_change`.
        """
        found = find_launched(self._state_file, self._command.argv)
        if found is None:
            return False
        self._session, self._session_start_ticks = found.session, found.record.session_start_ticks
        track(found.session.id)
        if found.pidfd is None:
            return False
        since = self._clock() - procfs.age_of(found.record.start_ticks)
        self._state = Running(found.pidfd.pid, since, found.record.loaded)
        self._watch(found.pidfd)
        event(log, logging.INFO, "running process taken over", pid=found.pidfd.pid)
        return True

    async def start(self, servers: ServerList) -> None:
        """Launch it on a file that holds ``servers``, once nothing is left of the last start."""
        async with self._lock:
            if not await self._end():
                self._note_not_started(None, "what is left of the last start cannot be ended")
                return
            # No await from here on: a cancelled start has launched nothing, or something that is
            # known.
            found = launch(self._command)
            if isinstance(found, NotStarted):
                self._note_not_started(found.code, f"{self._command.argv[0]!r} {found.reason}")
                return
            self._session, self._session_start_ticks = Session(found.pid), procfs.start_ticks(found.pid)
            self._state = Running(found.pid, self._clock(), servers)
            self._watch(found)
            self._save_record(found.pid, servers)
            event(
                log,
                logging.INFO,
                "process started",
                pid=found.pid,
                command=self._command.argv[0],
            )

    async def stop(self) -> None:
        """End all of it: SIGTERM, after the stop timeout SIGKILL. Returns when all is gone.

        A process that not even SIGKILL ends (stuck in the kernel) is left after 5 s, with an error in the
        log; `state` then says that it still runs, with a `RestartFailure`.
        """
        async with self._lock:
            if await self._end():
                self._state = NotLaunched()
                self._retries.reset()
            else:
                self._note_not_ended()

    async def end_supervision(self) -> None:
        """The sidecar ends, and with it what it launched."""
        await self.stop()

    async def wait_for_change(self) -> None:
        """Return when it died, or left its work to another. Also ends what a death left behind."""
        while (pidfd := self._pidfd) is None:
            await self._end_left_behind()
            if self._pidfd is None:
                await self._watch_started.wait()
        await pidfd.wait()
        if pidfd is self._pidfd and self._session is not None:
            self._process_died(pidfd, self._session)

    def signal(self, signum: int) -> None:
        """Send ``signum`` to all of it; nothing happens when there is nothing."""
        if self._session is not None:
            self._session.signal(signum)

    def _watch(self, pidfd: Pidfd | None) -> None:
        self._pidfd = pidfd
        if pidfd is not None:
            self._watch_started.set()
        elif self._watch_started.is_set():
            # Only then: a task may be waiting on the one that is not.
            self._watch_started = anyio.Event()

    def _save_record(self, pid: int, loaded: ServerList) -> None:
        started, began = procfs.start_ticks(pid), self._session_start_ticks
        if started is not None and began is not None and self._session is not None:
            argv, session = self._command.argv, self._session.id
            self._state_file.write(LaunchRecord(pid, started, procfs.boot_id(), session, argv, loaded, began))

    async def _end_left_behind(self) -> None:
        if self._session is None:
            return
        async with self._lock:
            if self._pidfd is None:
                await self._end()

    async def _end(self) -> bool:
        """End the session; return whether all of it is gone. The caller holds the lock."""
        session, pidfd = self._session, self._pidfd
        if session is None:
            return True
        # Not watched meanwhile: `wait_for_change` must not report an end that the sidecar requests.
        self._watch(None)
        gone = False
        try:
            gone = await session.end(self._stop_timeout, self._before_kill)
        finally:
            if not gone:  # cancelled, or it cannot be ended
                self._watch(pidfd)
        if gone:
            self._reap(session, pidfd)
        return gone

    def _reap(self, session: Session, pidfd: Pidfd | None) -> None:
        """All of it is gone: keep its exit code, and let the kernel use its numbers again."""
        if pidfd is not None:
            self._last_exit = exit_code(pidfd.pid)
            pidfd.close()
        reap(session.id)
        self._state_file.clear()
        self._watch(None)
        self._session = None

    def _process_died(self, pidfd: Pidfd, session: Session) -> None:
        """The process that is watched died by itself."""
        code = exit_code(pidfd.pid)
        survivor = session.lowest_live_pid()
        was_launcher = code == 0 or pidfd.pid != session.id
        successor = Pidfd.open(survivor) if survivor is not None and was_launcher else None
        if successor is not None:
            self._follow_successor(pidfd, successor)
            return
        if survivor is None:
            self._reap(session, pidfd)
        else:
            self._last_exit = code
            self._watch(None)
            pidfd.close()
        self._note_exit(code)

    def _follow_successor(self, launcher: Pidfd, successor: Pidfd) -> None:
        launcher.close()
        self._watch(successor)
        if isinstance(self._state, Running):
            self._state = replace(self._state, pid=successor.pid)
            self._save_record(successor.pid, self._state.loaded)
        event(
            log,
            logging.INFO,
            "launcher exited; supervising its child",
            pid=launcher.pid,
            successor=successor.pid,
        )

    def _note_not_ended(self) -> None:
        """It could not be ended."""
        if isinstance(self._state, Running):
            delay = self._retries.count_failure(NotLaunched())
            trouble = RestartFailure("it cannot be ended", self._clock() + delay, self._retries.count)
            self._state = replace(self._state, restart_failure=trouble)

    def _note_exit(self, code: int | None) -> None:
        delay = self._count_exit(code, "the process ended by itself")
        event(
            log,
            logging.WARNING,
            "process ended",
            ended=describe_exit(code),
            failures=self._retries.count,
            retry_in=delay,
        )

    def _note_not_started(self, code: int | None, reason: str) -> None:
        delay = self._count_exit(code, reason)
        event(
            log,
            logging.WARNING,
            "process not started",
            reason=reason,
            failures=self._retries.count,
            retry_in=delay,
        )

    def _count_exit(self, code: int | None, reason: str) -> float:
        """Set the state to an exit; return the seconds until the next start."""
        delay = self._retries.count_failure(self._state)
        self._last_exit = code
        self._state = Exited(code, self._clock() + delay, self._retries.count, reason)
        return round(delay, 3)
