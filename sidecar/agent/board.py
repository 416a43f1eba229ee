"""The state that the loops share: a frozen `View`, replaced as a whole, and ways to wait for its changes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import anyio

from sidecar.domain.documents.document import Document
from sidecar.domain.network.transaction import Term
from sidecar.domain.node.actions import Decision
from sidecar.domain.node.changes import (
    action_finished,
    action_started,
    health_observed,
    next_view,
    process_observed,
)
from sidecar.domain.node.facts import Facts
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import ProcessState
from sidecar.domain.node.status import CounterName, Counters
from sidecar.domain.node.view import FileView, NetworkView, NodeOptions, View
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


# At least as many lists as the file may hold between the start of a process and its discovery.
_MAX_FILE_HISTORY = 32


@dataclass(slots=True)
class Board:
    """What this sidecar knows now.

    Loops record what they observe (``set_…``, ``begin_action``, ``finish_action``) and wait for changes.
    """

    view: View
    decision: Decision = field(default_factory=lambda: Decision(Phase.WAITING, "just started"))
    phase_since: float = 0.0
    file_unchanged_since: float = -math.inf
    """When the file began to hold the list of the first view, monotonic."""
    lease_deadline: float = math.inf
    """When the lease counts as expired unless it is renewed, monotonic."""
    term: Term | None = None
    counters: Counters = field(default_factory=Counters)
    boot_checked: bool = False
    idle: bool = False
    """The last decision about the current view left nothing to do."""
    facts: Facts = field(init=False)
    """What follows from ``view``."""
    _file_history: deque[tuple[float, ServerList]] = field(
        default_factory=lambda: deque(maxlen=_MAX_FILE_HISTORY)
    )
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _waiters: list[tuple[Callable[[], bool], anyio.Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.facts = Facts.of(self.view)
        if document := self.view.file.document:
            self._file_history.append((self.file_unchanged_since, document.servers))

    def set_options(self, options: NodeOptions) -> None:
        """Record what the settings allow."""
        self._set_view(replace(self.view, options=options))

    def set_network(self, network: NetworkView) -> None:
        """Record what etcd holds for this node."""
        self._set_view(replace(self.view, network=network))

    def set_store_unreachable(self) -> None:
        """Record that etcd does not answer."""
        self.set_network(replace(self.view.network, store_unreachable=True))

    def set_lease_alive(self, *, alive: bool) -> None:
        """Record whether this sidecar's lease is alive."""
        self.set_network(replace(self.view.network, lease_alive=alive))

    def set_node_id_taken_reason(self, reason: str) -> None:
        """Record why the NodeID belongs to another node; ``""`` if it does not."""
        self.set_network(replace(self.view.network, node_id_taken_reason=reason))

    def set_document(self, document: Document) -> None:
        """Record the content of the file; its problem and its attempt to join stay as they are."""
        self._set_view(replace(self.view, file=replace(self.view.file, document=document)))

    def set_file(self, file: FileView) -> None:
        """Record all that is known of the file."""
        self._set_view(replace(self.view, file=file))

    def set_file_problem(self, problem: str) -> None:
        """Record why the file cannot be used; the document that was read last stays."""
        self.set_file(replace(self.view.file, problem=problem))

    def set_process(self, state: ProcessState) -> None:
        """Record the state in which the process was found."""
        self._set_view(process_observed(self.view, state))

    def set_health(self, health: Health) -> None:
        """Record the result of a probe."""
        self._set_view(health_observed(self.view, health))

    def begin_action(self, decision: Decision) -> None:
        """Record that ``decision`` is being carried out on the process."""
        self._set_view(action_started(self.view, decision, anyio.current_time()))

    def finish_action(self, state: ProcessState) -> None:
        """Record the state in which the action has left the process."""
        self._set_view(action_finished(self.view, state))

    def _set_view(self, changed: View) -> None:
        """Replace the view, and wake the loops if that makes a difference."""
        view, before = next_view(self.view, changed), self.view
        if view == before:
            return
        document, previous = view.file.document, before.file.document
        if document and (previous is None or document.servers != previous.servers):
            self._file_history.append((anyio.current_time(), document.servers))
        self.view, self.facts = view, Facts.of(view)
        self.idle = False
        self.wake()

    def view_at(self, now: float) -> View:
        """Return what is known at ``now`` (monotonic).

        After the sidecar was frozen, any loop may run before the one that notices that the lease has expired.
        """
        network = self.view.network
        if not network.lease_alive or now < self.lease_deadline:
            return self.view
        return replace(self.view, network=replace(network, lease_alive=False))

    def file_servers_at(self, moment: float) -> ServerList | None:
        """Return the list that the file held at ``moment`` (monotonic); None if that is not known."""
        lists = [servers for since, servers in self._file_history if since <= moment]
        return lists[-1] if lists else None

    def record_decision(self, decision: Decision, wall: float) -> bool:
        """Record a decision; True if it is worth a log line: a new phase, or a new reason for a stall."""
        is_new = decision.phase is not self.decision.phase
        is_new |= decision.phase in _STALLED_PHASES and decision.reason != self.decision.reason
        if decision.phase is not self.decision.phase:
            self.phase_since = wall
        self.boot_checked = self.boot_checked or self.facts.may_start
        if decision != self.decision:
            self.decision = decision
            self.wake()
        return is_new

    def mark_idle(self) -> None:
        """Record that the last decision left nothing to do."""
        if not self.idle and self.view.process.in_progress is None:
            self.idle = True
            self.wake()

    def set_term(self, term: Term | None) -> None:
        """Record that a term began, or (None) ended."""
        self.term = term
        if term:
            self.increment("leader_terms")
        self.wake()

    def increment(self, name: CounterName) -> None:
        """Increment one of the `Counters`."""
        self.counters = replace(self.counters, **{name: getattr(self.counters, name) + 1})

    def wake(self) -> None:
        """Wake the loops that wait for any change, and those whose condition is true now.

        Most changes concern one or two loops. Waking a task to check a condition costs ten times the check.
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
        """Return once ``condition()`` is true; at once if it is already."""
        while not condition():
            waiter = (condition, anyio.Event())
            self._waiters.append(waiter)
            try:
                await waiter[1].wait()
            finally:
                self._waiters.remove(waiter)

    async def wait_until_changed(self, read: Callable[[], T], *, from_value: T) -> None:
        """Return once ``read()`` differs from ``from_value``; at once if it does already."""
        await self.wait_until(lambda: read() != from_value)
