"""A process that something else launches: restarted through a `Driver`, and supervised like a child."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import anyio

from sidecar.adapters.restart.driver import Driver, Incarnation
from sidecar.adapters.restart.observer import DriverObserver
from sidecar.adapters.restart.retries import RetryCounter
from sidecar.adapters.restart.saved_state import LoadedRecord, StateFile
from sidecar.domain.errors import DriverError
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import Backoff, Exited, NotLaunched, ProcessState, RestartFailure, Running
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

# Seconds until a process that cannot be observed is observed again.
_REOBSERVE_INTERVAL = 1.0

_UNKNOWN_SERVERS = ServerList(())

# A process's start is known to a hundredth of a second, a file's change to the system's clock.
_CLOCK_TOLERANCE = 0.02


class ExternalProcess:
    """Implements `sidecar.ports.Process` over a driver.

    Every attempt has a time limit, and ends in a state that says what became of it: `Running` on the new
    list; `Running` on the old one, with a `RestartFailure`; or `Exited`. The last two name the moment of the
    next attempt, so the process is never given up on.

    ``file_servers_at`` returns the list that the file held at a moment (None: unknown): that is what a
    process loaded that something else started. ``restart_timeout`` is in seconds, from the request until the
    next incarnation is ready.
    """

    last_exit: int | None = None
    """Only its launcher knows how it ended."""

    def __init__(
        self,
        driver: Driver,
        *,
        state_file: StateFile[LoadedRecord],
        file_servers_at: Callable[[float], ServerList | None],
        jitter: Callable[[], float],
        restart_timeout: float = 60.0,
        backoff: Backoff = Backoff(),  # noqa: B008 - frozen, so that all calls may share it
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        self.driver = driver
        self._observer = DriverObserver(driver, lambda: file_servers_at(clock()))
        self._state_file = state_file
        self._file_servers_at = file_servers_at
        self._timeout = restart_timeout
        self._clock = clock
        self._retries = RetryCounter(backoff, jitter, clock)
        self._state: ProcessState = NotLaunched()
        self._incarnation: Incarnation | None = None
        self._watch_started = anyio.Event()
        self._lock = anyio.Lock()

    @property
    def state(self) -> ProcessState:
        """What is known of it now; that it ended shows once `wait_for_change` has seen it."""
        return self._state

    async def adopt(self) -> None:
        """Find the process as it runs; call it once, before anything else.

        One that an earlier execution of this sidecar knew runs on what that one saved; any other on what the
        file held when it began. If that is unknown, the file has changed since, and it gets its restart.
        """
        try:
            incarnation = await self._observer.observe()
        except DriverError as exc:
            self._note_exit(str(exc))
            return
        if incarnation is not None:
            began = self._clock() - (incarnation.age or 0.0)
            self._set_running(incarnation, self._loaded_servers(incarnation, began), began)

    async def start(self, servers: ServerList) -> None:
        """Start it, unless it runs by now."""
        async with self._lock:
            with suppress(DriverError):
                incarnation = await self._observer.observe()
                if incarnation is not None:
                    self._set_found(incarnation)
                    return
            await self._attempt(servers, starting=True)

    async def restart(self, servers: ServerList) -> None:
        """Have it read its file again, and wait until its next incarnation is ready."""
        async with self._lock:
            await self._attempt(servers)

    async def stop(self) -> None:
        """Stop it, if it stays stopped on this platform; otherwise leave it running."""
        if not self.driver.can_stop:
            return
        async with self._lock:
            incarnation = self._incarnation
            self._watch(None)
            try:
                with anyio.fail_after(self._timeout):
                    await self.driver.stop()
            except (DriverError, TimeoutError) as exc:
                self._watch(incarnation)
                self._note_failure(str(exc) or f"{self.driver.label} does not stop", stopping=True)
                return
            self._state_file.clear()
            self._state = NotLaunched()

    async def end_supervision(self) -> None:
        """What others launched keeps running without the sidecar."""

    async def wait_for_change(self) -> None:
        """Return when it has ended, or another incarnation runs."""
        while (incarnation := self._incarnation) is None:
            await self._watch_started.wait()
        try:
            await self.driver.wait_for_end(incarnation)
            if incarnation is not self._incarnation:
                return  # a restart of our own
            found = await self._observer.observe()
        except DriverError as exc:
            # A process that cannot be observed may still run.
            event(
                log, logging.WARNING, "cannot inspect the process", process=self.driver.label, reason=str(exc)
            )
            await anyio.sleep(_REOBSERVE_INTERVAL)
            return
        if incarnation is not self._incarnation or (
            found and (found.id, found.loaded) == (incarnation.id, incarnation.loaded)
        ):
            return
        if found is None:
            self._note_exit(self._observer.end_reason or f"{self.driver.label} has ended")
        else:
            event(
                log,
                logging.INFO,
                "process restarted by its launcher",
                process=self.driver.label,
                pid=found.pid,
            )
            self._set_found(found)

    def signal(self, signum: int) -> None:
        """Signals to the sidecar are not meant for a process that something else manages."""

    async def check(self) -> Health:
        """Implements `sidecar.ports.Probe`, by what the platform says of it."""
        return await self._observer.health()

    async def _attempt(self, servers: ServerList, *, starting: bool = False) -> None:
        """One restart, from the request until the next incarnation is ready. Holds the lock.

        One that was only to be ``starting``, and came up by itself meanwhile, is left as it is.
        """
        if self._has_stayed_up():
            self._retries.reset()
        before = self._incarnation
        self._observer.not_ready_reason = "the restart was requested, but has not begun"
        # Not watched meanwhile: `wait_for_change` must not report an end that the sidecar requests.
        self._watch(None)
        why = ""
        try:
            with anyio.fail_after(self._timeout):
                last_known, before = before, await self._observer.observe_without_timeout()
                if starting and before is not None:
                    self._set_found(before)
                    return
                if self._was_restarted(last_known, before, servers):
                    return
                await self.driver.restart(before, servers)
                incarnation = await self._observer.wait_for_next(before, servers)
                self._set_running(incarnation, incarnation.loaded or servers)
        except TimeoutError:
            why = f"aborted after {self._timeout:g} s: {self._observer.not_ready_reason}"
        except DriverError as exc:
            why = str(exc)
        finally:
            if self._incarnation is None and not why:  # cancelled: watch the old incarnation again
                self._watch(before)
        if why:
            await self._after_failed_attempt(why, before, servers)

    def _was_restarted(
        self, last_known: Incarnation | None, incarnation: Incarnation | None, servers: ServerList
    ) -> bool:
        """Whether the process was restarted by something else meanwhile."""
        if last_known is None or incarnation is None or incarnation.id == last_known.id:
            return False
        self._set_found(incarnation)
        return isinstance(self._state, Running) and self._state.loaded == servers

    async def _after_failed_attempt(self, why: str, before: Incarnation | None, servers: ServerList) -> None:
        """Set the state after a failed attempt, by what runs now."""
        try:
            incarnation = await self._observer.observe()
        except DriverError:
            incarnation = before  # a process that cannot be observed may still run
        if incarnation is None:
            self._note_exit(why)
            return
        if before is not None and incarnation.id != before.id:
            # It did restart, though it is not ready.
            self._set_running(incarnation, incarnation.loaded or servers)
        elif before is not None and isinstance(self._state, Running):
            self._state = replace(self._state, loaded=incarnation.loaded or self._state.loaded)
            self._watch(incarnation)
        else:
            self._set_found(incarnation)
        self._note_failure(why)

    def _set_found(self, incarnation: Incarnation) -> None:
        """An incarnation that something else started, or that could not be observed until now."""
        self._set_running(incarnation, self._loaded_servers(incarnation, self._earliest_start(incarnation)))

    def _loaded_servers(self, incarnation: Incarnation, began: float) -> ServerList:
        """Return the list that it reports, that was saved, or that its file held when it ``began``."""
        servers = (
            incarnation.loaded
            or self._saved_servers(incarnation)
            or self._file_servers_at(began + _CLOCK_TOLERANCE)
        )
        return servers or _UNKNOWN_SERVERS

    def _saved_servers(self, incarnation: Incarnation) -> ServerList | None:
        """Return the list that this or an earlier execution of the sidecar saved for the incarnation."""
        saved = self._state_file.read()
        return saved.loaded if saved and saved.incarnation == incarnation.id else None

    def _has_stayed_up(self) -> bool:
        """Return whether it has run long enough for earlier failures to be forgotten."""
        state = self._state
        if not isinstance(state, Running) or state.restart_failure:
            return False
        return self._clock() - state.started_at >= self._retries.backoff.reset_after

    def _earliest_start(self, incarnation: Incarnation) -> float:
        """Return the earliest start of an incarnation that follows the last one: no old list is missed.

        It began after the last one was observed, even if the platform's clock counts whole seconds.
        """
        seen = self._state.started_at if isinstance(self._state, Running) else None
        if incarnation.age is None:
            return self._clock() if seen is None else seen
        began = self._clock() - incarnation.age
        return began if seen is None else max(began, seen)

    def _set_running(self, incarnation: Incarnation, loaded: ServerList, since: float | None = None) -> None:
        # Its time to become healthy begins now: it may have started long ago.
        began = self._clock() if since is None else since
        self._state = Running(incarnation.pid, began, loaded, awaiting_restart=incarnation.awaiting_restart)
        self._state_file.write(LoadedRecord(incarnation.id, loaded))
        self._watch(incarnation)

    def _note_failure(self, reason: str, *, stopping: bool = False) -> None:
        """Keep that the process still runs, though it was to restart or to stop."""
        delay = self._retries.count_failure(NotLaunched())
        trouble = RestartFailure(reason, self._clock() + delay, self._retries.count)
        if isinstance(self._state, Running):
            self._state = replace(self._state, restart_failure=trouble)
        event(
            log,
            logging.WARNING,
            "process not stopped" if stopping else "process not restarted",
            process=self.driver.label,
            reason=reason,
            failures=self._retries.count,
            retry_in=round(delay, 3),
        )

    def _note_exit(self, reason: str) -> None:
        delay = self._retries.count_failure(self._state)
        self._watch(None)
        self._state = Exited(None, self._clock() + delay, self._retries.count, reason)
        event(
            log,
            logging.WARNING,
            "process not running",
            process=self.driver.label,
            reason=reason,
            failures=self._retries.count,
            retry_in=round(delay, 3),
        )

    def _watch(self, incarnation: Incarnation | None) -> None:
        self._incarnation = incarnation
        if incarnation is not None:
            self._watch_started.set()
        elif self._watch_started.is_set():
            self._watch_started = anyio.Event()
