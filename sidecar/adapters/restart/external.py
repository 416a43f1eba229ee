"""A process that something else launches: restarted through a `Driver`, and looked after like a child."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import anyio

from sidecar.adapters.restart.drivers.driver import Driver, Life
from sidecar.adapters.restart.observer import Sight
from sidecar.adapters.restart.retries import Failures
from sidecar.adapters.restart.saved_state import Memory, Seen
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import Backoff, Exited, NotLaunched, ProcessState, Running, Trouble
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

# Seconds until the next look at one that cannot be seen.
_UNSEEN = 1.0

_NOTHING_KNOWN = ServerList(())

# A process's start is known to a hundredth of a second, a file's change to the system's clock.
_CLOCKS_DIFFER = 0.02


class Attended:
    """Implements `sidecar.ports.Process` over a driver.

    Every attempt has a time limit, and ends in a state that says what became of it: `Running` on the new
    list; `Running` on the old one, with a `Trouble`; or `Exited`. The last two name the moment of the next
    attempt, so the process is never given up on.

    ``held`` tells which list the file held at a moment (None: nobody knows): that is what a process loaded
    that was started by somebody else. ``restart_timeout`` is in seconds, from asking until the next life is
    ready.
    """

    last_exit: int | None = None
    """How it ends is known to whoever launched it."""

    def __init__(
        self,
        driver: Driver,
        *,
        memory: Memory[Seen],
        held: Callable[[float], ServerList | None],
        jitter: Callable[[], float],
        restart_timeout: float = 60.0,
        backoff: Backoff = Backoff(),  # noqa: B008 - frozen, so that all calls may share it
        clock: Callable[[], float] = anyio.current_time,
    ) -> None:
        self.driver = driver
        self._sight = Sight(driver, lambda: held(clock()))
        self._memory = memory
        self._held = held
        self._timeout = restart_timeout
        self._clock = clock
        self._failures = Failures(backoff, jitter, clock)
        self._state: ProcessState = NotLaunched()
        self._life: Life | None = None
        self._something_to_watch = anyio.Event()
        self._lock = anyio.Lock()

    @property
    def state(self) -> ProcessState:
        """What is known of it now; that it ended shows once `changed` has seen it."""
        return self._state

    async def adopt(self) -> None:
        """Find the process as it runs; call it once, before anything else.

        One that this sidecar's former life knew runs on what that one noted; any other on what the file held
        when it began. Where nobody knows that, the file has changed since, and it gets its restart.
        """
        try:
            life = await self._sight.look()
        except DriverTrouble as exc:
            self._note_failure(str(exc))
            return
        if life is not None:
            began = self._clock() - (life.age or 0.0)
            self._is_up(life, self._loaded(life, began), began)

    async def start(self, servers: ServerList) -> None:
        """Bring it up where it is not there; one that is there by now is left as it is."""
        async with self._lock:
            with suppress(DriverTrouble):
                life = await self._sight.look()
                if life is not None:
                    self._found(life)
                    return
            await self._attempt(servers, starting=True)

    async def restart(self, servers: ServerList) -> None:
        """Have it read its file anew, and wait until its next life is ready."""
        async with self._lock:
            await self._attempt(servers)

    async def stop(self) -> None:
        """End it, where the platform lets it stay stopped; else it is left as it is."""
        if not self.driver.keeps_stopped:
            return
        async with self._lock:
            life = self._life
            self._watch(None)
            try:
                with anyio.fail_after(self._timeout):
                    await self.driver.stop()
            except (DriverTrouble, TimeoutError) as exc:
                self._watch(life)
                self._failed_but_runs(str(exc) or f"{self.driver.what} does not stop")
                return
            self._memory.forget()
            self._state = NotLaunched()

    async def release(self) -> None:
        """What others launched goes on without the sidecar."""

    async def changed(self) -> None:
        """Return when it ended, or lives another life."""
        while (life := self._life) is None:
            await self._something_to_watch.wait()
        try:
            await self.driver.ended(life)
            if life is not self._life:
                return  # a restart of our own
            found = await self._sight.look()
        except DriverTrouble as exc:
            # Not to be seen is not to have ended.
            event(log, logging.WARNING, "the process cannot be seen", what=self.driver.what, why=str(exc))
            await anyio.sleep(_UNSEEN)
            return
        if life is not self._life or (found and (found.name, found.loaded) == (life.name, life.loaded)):
            return
        if found is None:
            self._note_failure(self._sight.over or f"{self.driver.what} has ended")
        else:
            event(log, logging.INFO, "the process was started anew", what=self.driver.what, pid=found.pid)
            self._found(found)

    def signal(self, signum: int) -> None:
        """What the sidecar is told is not meant for a process that others look after."""

    async def check(self) -> Health:
        """Implements `sidecar.ports.Probe`, by what the platform says of it."""
        return await self._sight.health()

    async def _attempt(self, servers: ServerList, *, starting: bool = False) -> None:
        """One restart, from asking until the next life is ready. Holds the lock.

        One that was only to be ``starting``, and came up by itself meanwhile, is left as it is.
        """
        if self._has_stayed_up():
            self._failures.forgive()
        before, self._sight.arriving = self._life, "it was asked for, and not done by then"
        # Not watched meanwhile: an end on purpose is no news to `changed`.
        self._watch(None)
        why = ""
        try:
            with anyio.fail_after(self._timeout):
                known, before = before, await self._sight.look_patiently()
                if starting and before is not None:
                    self._found(before)
                    return
                if self._was_restarted(known, before, servers):
                    return
                await self.driver.restart(before, servers)
                life = await self._sight.next_life(before, servers)
                self._is_up(life, life.loaded or servers)
        except TimeoutError:
            why = f"cut off after {self._timeout:g} s: {self._sight.arriving}"
        except DriverTrouble as exc:
            why = str(exc)
        finally:
            if self._life is None and not why:  # cancelled: what there was is watched again
                self._watch(before)
        if why:
            await self._failed(why, before, servers)

    def _was_restarted(self, known: Life | None, life: Life | None, servers: ServerList) -> bool:
        """Whether somebody else has done meanwhile what a restart is for."""
        if known is None or life is None or life.name == known.name:
            return False
        self._found(life)
        return isinstance(self._state, Running) and self._state.loaded == servers

    async def _failed(self, why: str, before: Life | None, servers: ServerList) -> None:
        """The attempt did not work; see what there is now."""
        try:
            life = await self._sight.look()
        except DriverTrouble:
            life = before  # not to be seen is not to have ended
        if life is None:
            self._note_failure(why)
            return
        if before is not None and life.name != before.name:
            # It did come anew, though it is not ready.
            self._is_up(life, life.loaded or servers)
        elif before is not None and isinstance(self._state, Running):
            self._state = replace(self._state, loaded=life.loaded or self._state.loaded)
            self._watch(life)
        else:
            self._found(life)
        self._failed_but_runs(why)

    def _found(self, life: Life) -> None:
        """A life that somebody else began, or that could not be looked at until now."""
        self._is_up(life, self._loaded(life, self._began(life)))

    def _loaded(self, life: Life, began: float) -> ServerList:
        """What it runs on: as it says itself, as was noted, or what its file held when it ``began``."""
        known = life.loaded or self._noted(life) or self._held(began + _CLOCKS_DIFFER)
        return known or _NOTHING_KNOWN

    def _noted(self, life: Life) -> ServerList | None:
        """What was noted of this very life, also by a former life of the sidecar."""
        seen = self._memory.read()
        return seen.loaded if seen and seen.life == life.name else None

    def _has_stayed_up(self) -> bool:
        """Whether what went wrong before is made good for: to have come up once is not enough."""
        state = self._state
        if not isinstance(state, Running) or state.trouble:
            return False
        return self._clock() - state.since >= self._failures.backoff.forgiven_after

    def _began(self, life: Life) -> float:
        """When a life that follows the last one began, at the earliest: so that an old list is not missed.

        It was after the one before was seen, also by the clock of a platform that tells whole seconds.
        """
        seen = self._state.since if isinstance(self._state, Running) else None
        if life.age is None:
            return self._clock() if seen is None else seen
        began = self._clock() - life.age
        return began if seen is None else max(began, seen)

    def _is_up(self, life: Life, loaded: ServerList, since: float | None = None) -> None:
        # From now on, not from its birth: that may be long ago, and how it does is looked at from now on.
        began = self._clock() if since is None else since
        self._state = Running(life.pid, began, loaded, between=life.between)
        self._memory.write(Seen(life.name, loaded))
        self._watch(life)

    def _failed_but_runs(self, why: str) -> None:
        delay = self._failures.another(NotLaunched())
        trouble = Trouble(why, self._clock() + delay, self._failures.count)
        if isinstance(self._state, Running):
            self._state = replace(self._state, trouble=trouble)
        self._log_failure(why, delay)

    def _note_failure(self, why: str) -> None:
        delay = self._failures.another(self._state)
        self._watch(None)
        self._state = Exited(None, self._clock() + delay, self._failures.count, why)
        self._log_failure(why, delay)

    def _log_failure(self, why: str, delay: float) -> None:
        count = self._failures.count
        event(log, logging.WARNING, why, what=self.driver.what, failures=count, retry_in=round(delay, 3))

    def _watch(self, life: Life | None) -> None:
        self._life = life
        if life is not None:
            self._something_to_watch.set()
        elif self._something_to_watch.is_set():
            self._something_to_watch = anyio.Event()
