"""Checks each start and end of a process against the invariants, independently of the reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sidecar.domain.servers import NodeID, ServerList
from tests.simulation.event_log import EventLog
from tests.simulation.nodes import SimSidecar
from tests.simulation.processes import EndReason
from tests.simulation.transaction_auditor import CLOCK_TOLERANCE, MAX_FREEZE, TransactionAuditor

MAX_PROPAGATION_DELAY = 60.0
"""Seconds after which every node that can reach etcd has read a new list."""


@dataclass(slots=True)
class ProcessAuditor:
    """No process is restarted without a grant, or started on a list that never was canonical."""

    event_log: EventLog
    now: Callable[[], float]
    sidecars: Mapping[NodeID, SimSidecar]
    delay: float
    auditor: TransactionAuditor = field(init=False)
    restarts: int = 0
    _open_grants: dict[NodeID, int] = field(default_factory=dict)
    """The nodes with a grant, each with the limit of its role at that time."""
    _ended_grants: dict[NodeID, tuple[float, int]] = field(default_factory=dict)
    """The nodes whose grant has ended: when it ended, and the limit."""
    _restarting: dict[NodeID, tuple[float, int]] = field(default_factory=dict)
    """The nodes that a restart made unavailable: since when, and the limit of the grant."""

    def __post_init__(self) -> None:
        self.auditor = TransactionAuditor(
            self.event_log, self.now, self._on_grant, self._on_grant_over, self._staleness
        )

    def started(self, node: NodeID, servers: ServerList) -> None:
        self.event_log.record(f"{node}'s process starts on {', '.join(str(url.port) for url in servers)}")
        if servers not in self.auditor.lists:
            self.event_log.violated(f"{node}'s process started on a list that never was canonical: {servers}")

    def ending(self, node: NodeID, why: EndReason, *, serves: bool) -> None:
        self.event_log.record(
            f"{node}'s process is ended: {why.value}{'' if serves else ', it did not serve'}"
        )
        if why is EndReason.REMOVAL:
            self._check_removal(node)
        elif why is EndReason.RESTART and serves:
            self._check_restart(node)

    def _staleness(self) -> float:
        """Seconds by which the leader's reading may be older than its write: it may have been frozen."""
        leaders = (each for each in self.sidecars.values() if each.is_leader)
        thawed = max((each.freezer.thawed_at for each in leaders), default=-math.inf)
        round_trip = 2 * self.delay + CLOCK_TOLERANCE
        return MAX_FREEZE if self.now() < thawed + round_trip else round_trip

    def _on_grant(self, node: NodeID, limit: int) -> None:
        self._open_grants[node] = limit

    def _on_grant_over(self, node: NodeID) -> None:
        limit = self._open_grants.pop(node, None)
        if limit is not None:
            self._ended_grants[node] = (self.now(), limit)

    def _limit_of_grant(self, node: NodeID) -> int | None:
        """The limit of its grant, also of one that ended unknown to it; None without one."""
        over_at, limit = self._ended_grants.get(node, (-math.inf, 0))
        sidecar = self.sidecars[node]
        heard_at = sidecar.watches_restored_at if sidecar.watches_were_silent_at(over_at) else over_at
        unheard = self.now() <= heard_at + 2 * self.delay + CLOCK_TOLERANCE
        return self._open_grants.get(node, limit if unheard else None)

    def _check_removal(self, node: NodeID) -> None:
        url = self.sidecars[node].identity.url
        tombstones = self.auditor.records.tombstones.values()
        fresh = self.now() < self.auditor.changed_at + MAX_PROPAGATION_DELAY
        if not fresh and not any(tombstone.covers(node, url) for tombstone in tombstones):
            self.event_log.violated(f"{node}'s process was stopped for good, and it was not removed")

    def _check_restart(self, node: NodeID) -> None:
        self.restarts += 1
        sidecar = self.sidecars[node]
        if sidecar.process.found_healthy_at > self.now() - CLOCK_TOLERANCE:
            return  # its sidecar does not know yet that it is healthy
        limit = self._limit_of_grant(node)  # a sidecar that was killed during a grant may use it again
        if limit is None:
            self.event_log.violated(f"{node}'s process, which served, was restarted without a grant")
            return
        canonical = self.auditor.records.canonical
        settled = self.now() > self.auditor.changed_at + MAX_PROPAGATION_DELAY
        if canonical and settled and sidecar.process.starts[-1] == canonical.servers:
            self.event_log.violated(f"{node}'s process was restarted for nothing: it runs on the newest list")
        others = [each for each in self._away(node) if each != node]
        most = max([limit, *(self._restarting[each][1] for each in others)])
        self._restarting[node] = (self.now(), limit)
        if len(others) + 1 > most:
            self.event_log.violated(f"{node} became unavailable while {others} are; {most} may be")

    def _away(self, node: NodeID) -> list[NodeID]:
        """The peers of ``node`` that a restart made unavailable and that never came back."""
        records = self.auditor.records
        for each, (since, _) in list(self._restarting.items()):
            if self.sidecars[each].process.served_since(since) or not records.belongs(each):
                del self._restarting[each]
        role = self.sidecars[node].identity.role
        return [
            n for n in self._restarting if self.sidecars[n].identity.role is role and n not in records.skips
        ]
