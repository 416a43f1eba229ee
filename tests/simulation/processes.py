"""Holds what processes go through against what was promised, whatever anybody reports of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sidecar.domain.servers import NodeID, ServerList
from tests.simulation.auditor import INSTANT, LONGEST_FREEZE, Auditor
from tests.simulation.ledger import Ledger
from tests.simulation.nodes import SimSidecar, Why

NEWS_TRAVELS = 60.0
"""Seconds after which every node that can reach etcd has surely heard of a list."""


@dataclass(slots=True)
class Overseer:
    """A `nodes.Witness`: no process is ended without leave, or started on a list that never was canonical."""

    ledger: Ledger
    now: Callable[[], float]
    sidecars: Mapping[NodeID, SimSidecar]
    delay: float
    auditor: Auditor = field(init=False)
    restarts: int = 0
    _leave: dict[NodeID, int] = field(default_factory=dict)
    """Who may restart, and how many of its role might be away when that was granted."""
    _taken_back: dict[NodeID, tuple[float, int]] = field(default_factory=dict)
    """Whose turn is over, since when, and how many might be away."""
    _out: dict[NodeID, tuple[float, int]] = field(default_factory=dict)
    """Who was taken out of service by a restart, since when, and with what leave."""

    def __post_init__(self) -> None:
        self.auditor = Auditor(self.ledger, self.now, self._given, self._ended, self._staleness)

    def started(self, node: NodeID, servers: ServerList) -> None:
        self.ledger.note(f"{node}'s process starts on {', '.join(str(url.port) for url in servers)}")
        if servers not in self.auditor.lists:
            self.ledger.broke(f"{node}'s process started on a list that never was canonical: {servers}")

    def ending(self, node: NodeID, why: Why, *, serves: bool) -> None:
        self.ledger.note(f"{node}'s process is ended: {why.value}{'' if serves else ', it did not serve'}")
        if why is Why.REMOVAL:
            self._check_removal(node)
        elif why is Why.RESTART and serves:
            self._check_restart(node)

    def _staleness(self) -> float:
        """How old what the leader read may be when it writes, in seconds: it may have been frozen."""
        leaders = (each for each in self.sidecars.values() if each.leads)
        thawed = max((each.frost.thawed_at for each in leaders), default=-math.inf)
        way = 2 * self.delay + INSTANT
        return LONGEST_FREEZE if self.now() < thawed + way else way

    def _given(self, node: NodeID, limit: int) -> None:
        self._leave[node] = limit

    def _ended(self, node: NodeID) -> None:
        limit = self._leave.pop(node, None)
        if limit is not None:
            self._taken_back[node] = (self.now(), limit)

    def _leave_of(self, node: NodeID) -> int | None:
        """With what leave it may restart: of its turn, or of one that it cannot know to be over yet."""
        over_at, limit = self._taken_back.get(node, (-math.inf, 0))
        sidecar = self.sidecars[node]
        heard_at = sidecar.heard_again_at if sidecar.was_deaf_at(over_at) else over_at
        unheard = self.now() <= heard_at + 2 * self.delay + INSTANT
        return self._leave.get(node, limit if unheard else None)

    def _check_removal(self, node: NodeID) -> None:
        url = self.sidecars[node].identity.url
        stones = self.auditor.mirror.removed.values()
        fresh = self.now() < self.auditor.changed_at + NEWS_TRAVELS
        if not fresh and not any(stone.covers(node, url) for stone in stones):
            self.ledger.broke(f"{node}'s process was stopped for good, and nobody removed it")

    def _check_restart(self, node: NodeID) -> None:
        self.restarts += 1
        sidecar = self.sidecars[node]
        if sidecar.process.found_well_at > self.now() - INSTANT:
            return  # its sidecar has not noticed yet that it is up, or well again
        limit = self._leave_of(node)  # its turn is open: a sidecar that was killed in it may use it again
        if limit is None:
            self.ledger.broke(f"{node}'s process, which served, was restarted without a grant")
            return
        stands = self.auditor.mirror.canonical
        settled = self.now() > self.auditor.changed_at + NEWS_TRAVELS
        if stands and settled and sidecar.process.starts[-1] == stands.servers:
            self.ledger.broke(f"{node}'s process was restarted for nothing: it runs on the newest list")
        others = [each for each in self._away(node) if each != node]
        most = max([limit, *(self._out[each][1] for each in others)])
        self._out[node] = (self.now(), limit)
        if len(others) + 1 > most:
            self.ledger.broke(f"{node} was taken out of service while {others} are; {most} may be")

    def _away(self, node: NodeID) -> list[NodeID]:
        """Of the peers of ``node``, whom a restart took out of service and who never came back."""
        mirror = self.auditor.mirror
        for each, (since, _) in list(self._out.items()):
            if self.sidecars[each].process.served_since(since) or not mirror.belongs(each):
                del self._out[each]
        role = self.sidecars[node].identity.role
        return [n for n in self._out if self.sidecars[n].identity.role is role and n not in mirror.skips]
