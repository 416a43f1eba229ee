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
    inherit,
    launch,
    reap,
)
from sidecar.adapters.processes.pidfd import Watched, require_pidfd
from sidecar.adapters.processes.session import LastWords, Session, no_words
from sidecar.adapters.restart.adoption import find
from sidecar.adapters.restart.retries import Failures
from sidecar.adapters.restart.saved_state import Launched, launched_memory
from sidecar.domain.node.process import Backoff, Exited, NotLaunched, ProcessState, Running, Trouble
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)


class Child:
    """A command, launched in a session of its own and ended with all that it started.

    The process is the one that was launched, as long as it lives (a ``run.sh`` that runs java in
    the foreground, or ``exec``s it). When it exits with 0 and leaves others of its session behind,
    it was a launcher (a ``run.sh`` that ends in ``java … &``, an application that restarts itself
    by starting its successor), and from then on the process is whoever is left, until nobody is.
    When it exits with anything else it has died, and what it left behind is ended before it is
    started again.

    Nothing is polled and no task runs: whoever awaits `changed` sees a death, on a pidfd.
    """

    def __init__(
        self,
        command: Command,
        *,
        folder: Path,
        jitter: Callable[[], float],
        stop_timeout: float = 10.0,
        last_words: LastWords = no_words,
        backoff: Backoff = Backoff(),  # noqa: B008 - frozen, so that all calls may share it
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        require_pidfd()
        self._command = command
        self._memory = launched_memory(folder)
        self._stop_timeout = stop_timeout
        self._last_words = last_words
        self._clock = clock
        self._state: ProcessState = NotLaunched()
        self._failures = Failures(backoff, jitter, clock)
        self._last_exit: int | None = None
        # All that was launched and is not known to be gone; without a `_watched` these are
        # leftovers.
        self._session: Session | None = None
        self._began: int | None = None
        self._watched: Watched | None = None
        self._something_to_watch = anyio.Event()
        # One at a time starts or ends it: a shutdown's stop waits for the restart that it
        # interrupts.
        self._lock = anyio.Lock()

    @property
    def state(self) -> ProcessState:
        """What is known of it now; a death shows once `changed` has seen it."""
        return self._state

    @property
    def last_exit(self) -> int | None:
        """What it last exited with, as a shell tells it; None before that, and where nobody knows.

        Nobody knows it of an adopted process, and of one that a launcher left behind: its parent is
        not here.
        """
        return self._last_exit

    def adopt(self) -> bool:
        """Take over the process that a former life of the sidecar left running; whether it did.

        Call it once, before the first `start`. What cannot be taken over (its launcher is gone, or
        it runs another command) is ended by the next `start`, `stop` or `changed`.
        """
        found = find(self._memory, self._command.argv)
        if found is None:
            return False
        self._session, self._began = found.session, found.remembered.began
        inherit(found.session.id)
        if found.watched is None:
            return False
        since = self._clock() - procfs.age(found.remembered.started)
        self._state = Running(found.watched.pid, since, found.remembered.loaded)
        self._watch(found.watched)
        event(log, logging.INFO, "took over the running process", pid=found.watched.pid)
        return True

    async def start(self, servers: ServerList) -> None:
        """Launch it on a file that holds ``servers``, once nothing is left of the last start."""
        async with self._lock:
            if not await self._end():
                self._failed(None, "what is left of the last start cannot be ended")
                return
            # No await from here on: a cancelled start has launched nothing, or something that is
            # known.
            found = launch(self._command)
            if isinstance(found, NotStarted):
                self._failed(found.code, f"{self._command.argv[0]!r} {found.reason}")
                return
            self._session, self._began = Session(found.pid), procfs.start_ticks(found.pid)
            self._state = Running(found.pid, self._clock(), servers)
            self._watch(found)
            self._remember(found.pid, servers)
            event(
                log,
                logging.INFO,
                "started the process",
                pid=found.pid,
                command=self._command.argv[0],
            )

    async def stop(self) -> None:
        """End all of it: SIGTERM, after the grace period SIGKILL. Returns when all is gone.

        A process that not even SIGKILL ends (stuck in the kernel) is left after 5 s, with an error in the
        log; `state` then says that it still runs, with a `Trouble`.
        """
        async with self._lock:
            if await self._end():
                self._state = NotLaunched()
                self._failures.forgive()
            else:
                self._stays()

    async def restart(self, servers: ServerList) -> None:  # noqa: ARG002 - `start` launches it on what the file holds then
        """End all of it; `start` launches it anew."""
        await self.stop()

    async def release(self) -> None:
        """The sidecar ends, and with it what it launched."""
        await self.stop()

    async def changed(self) -> None:
        """Return when it died, or left its work to another. Also ends what a death left behind."""
        while (watched := self._watched) is None:
            await self._end_leftovers()
            if self._watched is None:
                await self._something_to_watch.wait()
        await watched.ended()
        if watched is self._watched and self._session is not None:
            self._lost(watched, self._session)

    def signal(self, signum: int) -> None:
        """Send ``signum`` to all of it; nothing happens when there is nothing."""
        if self._session is not None:
            self._session.signal(signum)

    def _watch(self, watched: Watched | None) -> None:
        self._watched = watched
        if watched is not None:
            self._something_to_watch.set()
        elif self._something_to_watch.is_set():
            # Only then: somebody may be waiting on the one that is not.
            self._something_to_watch = anyio.Event()

    def _remember(self, pid: int, loaded: ServerList) -> None:
        started, began = procfs.start_ticks(pid), self._began
        if started is not None and began is not None and self._session is not None:
            argv, session = self._command.argv, self._session.id
            self._memory.write(Launched(pid, started, procfs.boot(), session, argv, loaded, began))

    async def _end_leftovers(self) -> None:
        if self._session is None:
            return
        async with self._lock:
            if self._watched is None:
                await self._end()

    async def _end(self) -> bool:
        """End what there is; whether all of it is gone. Holds the lock."""
        session, watched = self._session, self._watched
        if session is None:
            return True
        # Not watched meanwhile: a death on purpose is no news to `changed`.
        self._watch(None)
        gone = False
        try:
            gone = await session.end(self._stop_timeout, self._last_words)
        finally:
            if not gone:  # cancelled, or it cannot be ended
                self._watch(watched)
        if gone:
            self._bury(session, watched)
        return gone

    def _bury(self, session: Session, watched: Watched | None) -> None:
        """All of it is gone: keep its exit code, and let the kernel use its numbers again."""
        if watched is not None:
            self._last_exit = exit_code(watched.pid)
            watched.close()
        reap(session.id)
        self._memory.forget()
        self._watch(None)
        self._session = None

    def _lost(self, watched: Watched, session: Session) -> None:
        """The process that is watched died by itself."""
        code = exit_code(watched.pid)
        survivor = session.survivor()
        was_launcher = code == 0 or watched.pid != session.id
        heir = Watched.open(survivor) if survivor is not None and was_launcher else None
        if heir is not None:
            self._hand_over(watched, heir)
            return
        if survivor is None:
            self._bury(session, watched)
        else:
            self._last_exit = code
            self._watch(None)
            watched.close()
        self._failed(code, "the process ended by itself")

    def _hand_over(self, launcher: Watched, heir: Watched) -> None:
        launcher.close()
        self._watch(heir)
        if isinstance(self._state, Running):
            self._state = replace(self._state, pid=heir.pid)
            self._remember(heir.pid, self._state.loaded)
        event(
            log,
            logging.INFO,
            "the process left its work to another",
            pid=launcher.pid,
            heir=heir.pid,
        )

    def _stays(self) -> None:
        """It could not be ended."""
        if isinstance(self._state, Running):
            delay = self._failures.another(NotLaunched())
            trouble = Trouble("it cannot be ended", self._clock() + delay, self._failures.count)
            self._state = replace(self._state, trouble=trouble)

    def _failed(self, code: int | None, reason: str) -> None:
        delay = self._failures.another(self._state)
        self._last_exit = code
        self._state = Exited(code, self._clock() + delay, self._failures.count, reason)
        event(
            log,
            logging.WARNING,
            reason,
            ended=describe_exit(code),
            failures=self._failures.count,
            retry_in=round(delay, 3),
        )
