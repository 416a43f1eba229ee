"""The one place that the loops share: a frozen `View`, replaced whole, and a way to wait for its change."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import anyio

from sidecar.domain.network.transaction import Term
from sidecar.domain.node.actions import Decision
from sidecar.domain.node.facts import (
    derive_last_known_good,
    derive_loaded_version,
    derive_unhealthy_since,
    passes_boot_check,
)
from sidecar.domain.node.process import Running
from sidecar.domain.node.status import Counters
from sidecar.domain.node.view import View
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList

T = TypeVar("T")

_STALLED_PHASES = (
    Phase.WAITING,
    Phase.JOINING,
    Phase.REFUSED,
    Phase.REMOVED,
    Phase.CRASHED,
    Phase.RESTART_FAILED,
)


# As many lists as the file may come to hold between a process's start and the moment that it is seen.
_MAX_FILE_HISTORY = 32


@dataclass(slots=True)
class Board:
    """What this sidecar knows now. Loops change it through `update` and wait on it with `wait_until`."""

    view: View
    decision: Decision = field(default_factory=lambda: Decision(Phase.WAITING, "just started"))
    phase_since: float = 0.0
    file_unchanged_since: float = -math.inf
    """When the file began to hold the list of the first view, monotonic."""
    lease_deadline: float = math.inf
    """When the lease is to be counted as gone, monotonic, if it is not renewed."""
    term: Term | None = None
    counters: Counters = field(default_factory=Counters)
    boot_checked: bool = False
    idle: bool = False
    """Nothing is left to do about what the view says now."""
    _file_history: deque[tuple[float, ServerList]] = field(
        default_factory=lambda: deque(maxlen=_MAX_FILE_HISTORY)
    )
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _waiters: list[tuple[Callable[[], bool], anyio.Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.view.file:
            self._file_history.append((self.file_unchanged_since, self.view.file.servers))

    def update(self, **changes: Any) -> None:
        """Replace fields of the view, and wake whoever waits, if that makes a difference."""
        view = replace(self.view, **changes)
        version, known = derive_loaded_version(view), derive_last_known_good(view)
        if (version, known) != (view.loaded_version, view.last_known_good):
            view = replace(view, loaded_version=version, last_known_good=known)
        if view.healthy and not self.view.healthy:
            view = replace(view, recoveries=view.recoveries + 1)
        if (
            view.healthy
            and isinstance(view.process, Running)
            and view.last_healthy_start != view.process.started_at
        ):
            view = replace(view, last_healthy_start=view.process.started_at, failed_starts=0)
        if (unwell := derive_unhealthy_since(self.view, view)) != view.unhealthy_since:
            view = replace(view, unhealthy_since=unwell)
        if view != self.view:
            if view.file and (self.view.file is None or view.file.servers != self.view.file.servers):
                self._file_history.append((anyio.current_time(), view.file.servers))
            self.view = view
            self.idle = False
            self.wake()

    def view_at(self, now: float) -> View:
        """What is known at ``now`` (monotonic).

        A sidecar that was frozen hears at last what was said meanwhile, bit by bit, and it may be any loop's
        turn before that of the one which ends what the lease stood for.
        """
        expired = self.view.lease_alive and now >= self.lease_deadline
        return replace(self.view, lease_alive=False) if expired else self.view

    def file_servers_at(self, moment: float) -> ServerList | None:
        """The list that the file held at ``moment`` (monotonic); None where nobody looked at it then."""
        known = [servers for since, servers in self._file_history if since <= moment]
        return known[-1] if known else None

    def record_decision(self, decision: Decision, wall: float) -> bool:
        """Note a decision; True when it is news to a person: another phase, or why it still stands still."""
        is_new = decision.phase is not self.decision.phase
        is_new |= decision.phase in _STALLED_PHASES and decision.reason != self.decision.reason
        if decision.phase is not self.decision.phase:
            self.phase_since = wall
        self.boot_checked = self.boot_checked or passes_boot_check(self.view)
        if decision != self.decision:
            self.decision = decision
            self.wake()
        return is_new

    def mark_idle(self) -> None:
        """Note that the last decision left nothing to do."""
        if not self.idle and self.view.in_progress is None:
            self.idle = True
            self.wake()

    def set_term(self, term: Term | None) -> None:
        """Note that a term began, or (None) ended."""
        self.term = term
        if term:
            self.increment("leader_terms")
        self.wake()

    def increment(self, name: str) -> None:
        """Raise one of the `Counters`."""
        self.counters = replace(self.counters, **{name: getattr(self.counters, name) + 1})

    def wake(self) -> None:
        """Wake whoever waits for a change, and of those who wait for a condition only whose it is.

        Most changes are for one loop or two, and to wake a task just to let it look costs ten times the look.
        """
        self._changed.set()
        self._changed = anyio.Event()
        for holds, event in self._waiters:
            if holds():
                event.set()

    async def wait_for_change(self) -> None:
        """Return at the next change."""
        await self._changed.wait()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return when ``condition()`` is true; at once where it is already."""
        while not condition():
            waiter = (condition, anyio.Event())
            self._waiters.append(waiter)
            try:
                await waiter[1].wait()
            finally:
                self._waiters.remove(waiter)

    async def wait_until_changed(self, read: Callable[[], T], *, from_value: T) -> None:
        """Return when ``read()`` is something else than that; at once where it is already."""
        await self.wait_until(lambda: read() != from_value)
