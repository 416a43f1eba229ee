"""The one place that the loops share: a frozen `View`, replaced whole, and a way to wait for its change."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import anyio

from sidecar.domain.network.transaction import Term
from sidecar.domain.node.process import Running
from sidecar.domain.node.status import Counters
from sidecar.domain.node.view import Decision, View, applied, boot_checked, loaded_version, unwell_since
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList

T = TypeVar("T")

_STANDING_STILL = (
    Phase.WAITING,
    Phase.JOINING,
    Phase.REFUSED,
    Phase.REMOVED,
    Phase.CRASHED,
    Phase.RESTART_FAILED,
)


# As many lists as the file may come to hold between a process's start and the moment that it is seen.
_HELD = 32


@dataclass(slots=True)
class Board:
    """What this sidecar knows now. Loops change it through `update` and wait on it with `until`."""

    view: View
    decision: Decision = field(default_factory=lambda: Decision(Phase.WAITING, "just started"))
    since: float = 0.0
    held_since: float = -math.inf
    """When the file began to hold the list of the first view, monotonic."""
    lease_until: float = math.inf
    """When the lease is to be counted as gone, monotonic, if it is not renewed."""
    term: Term | None = None
    counters: Counters = field(default_factory=Counters)
    boot_checked: bool = False
    at_rest: bool = False
    """Nothing is left to do about what the view says now."""
    _held: deque[tuple[float, ServerList]] = field(default_factory=lambda: deque(maxlen=_HELD))
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _waiting: list[tuple[Callable[[], bool], anyio.Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.view.file:
            self._held.append((self.held_since, self.view.file.servers))

    def update(self, **changes: Any) -> None:
        """Replace fields of the view, and wake whoever waits, if that makes a difference."""
        view = replace(self.view, **changes)
        version, known = loaded_version(view), applied(view)
        if (version, known) != (view.loaded_version, view.applied):
            view = replace(view, loaded_version=version, applied=known)
        if view.healthy and not self.view.healthy:
            view = replace(view, recoveries=view.recoveries + 1)
        if view.healthy and isinstance(view.process, Running) and view.came_up != view.process.since:
            view = replace(view, came_up=view.process.since, fruitless=0)
        if (unwell := unwell_since(self.view, view)) != view.unwell_since:
            view = replace(view, unwell_since=unwell)
        if view != self.view:
            if view.file and (self.view.file is None or view.file.servers != self.view.file.servers):
                self._held.append((anyio.current_time(), view.file.servers))
            self.view = view
            self.at_rest = False
            self.wake()

    def view_at(self, now: float) -> View:
        """What is known at ``now`` (monotonic).

        A sidecar that was frozen hears at last what was said meanwhile, bit by bit, and it may be any loop's
        turn before that of the one which ends what the lease stood for.
        """
        expired = self.view.lease_alive and now >= self.lease_until
        return replace(self.view, lease_alive=False) if expired else self.view

    def held_at(self, moment: float) -> ServerList | None:
        """The list that the file held at ``moment`` (monotonic); None where nobody looked at it then."""
        known = [servers for since, servers in self._held if since <= moment]
        return known[-1] if known else None

    def decided(self, decision: Decision, wall: float) -> bool:
        """Note a decision; True when it is news to a person: another phase, or why it still stands still."""
        news = decision.phase is not self.decision.phase
        news |= decision.phase in _STANDING_STILL and decision.reason != self.decision.reason
        if decision.phase is not self.decision.phase:
            self.since = wall
        self.boot_checked = self.boot_checked or boot_checked(self.view)
        if decision != self.decision:
            self.decision = decision
            self.wake()
        return news

    def rest(self) -> None:
        """Note that the last decision left nothing to do."""
        if not self.at_rest and self.view.busy is None:
            self.at_rest = True
            self.wake()

    def leads(self, term: Term | None) -> None:
        """Note that a term began, or (None) ended."""
        self.term = term
        if term:
            self.count("terms")
        self.wake()

    def count(self, name: str) -> None:
        """Raise one of the `Counters`."""
        self.counters = replace(self.counters, **{name: getattr(self.counters, name) + 1})

    def wake(self) -> None:
        """Wake whoever waits for a change, and of those who wait for a condition only whose it is.

        Most changes are for one loop or two, and to wake a task just to let it look costs ten times the look.
        """
        self._changed.set()
        self._changed = anyio.Event()
        for holds, event in self._waiting:
            if holds():
                event.set()

    async def changed(self) -> None:
        """Return at the next change."""
        await self._changed.wait()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when ``holds()`` is true; at once where it is already."""
        while not holds():
            waiter = (holds, anyio.Event())
            self._waiting.append(waiter)
            try:
                await waiter[1].wait()
            finally:
                self._waiting.remove(waiter)

    async def until_other(self, read: Callable[[], T], *, than: T) -> None:
        """Return when ``read()`` is something else than that; at once where it is already."""
        await self.until(lambda: read() != than)
