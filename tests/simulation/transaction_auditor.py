"""Checks every transaction against the invariants, as it is committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sidecar.domain.records.canonical import ChangeKind
from sidecar.domain.records.requests import RequestKind
from sidecar.domain.records.rollout import BlockKind, Grant
from sidecar.domain.records.store import Entry, Revision
from sidecar.domain.servers import NodeID, ServerList
from tests.fakes.memory_cluster import MemoryCluster
from tests.simulation.etcd_records import EtcdRecords
from tests.simulation.event_log import EventLog
from tests.simulation.grant_rules import why_not_grantable

Changes = dict[str, Entry | None]
MAX_FREEZE = 45.0
CLOCK_TOLERANCE = 0.001
"""Seconds by which two clocks may differ about one moment."""


class AuditedCluster(MemoryCluster):
    """An etcd whose every change is audited before any client sees it."""

    def __init__(self, now: Callable[[], float], audit: Callable[[Changes], None]) -> None:
        super().__init__(now)
        self._audit = audit

    def _record(self, revision: Revision, changes: Changes) -> None:
        if changes:
            self._audit(changes)
        super()._record(revision, changes)


@dataclass(slots=True)
class TransactionAuditor:
    """Knows etcd's records before and after each change; calls ``on_grant`` and ``on_grant_over``.

    A transaction is fenced with the grants, the list and the policy that it was decided from. Reports that
    arrive between the leader's reading and its write, at most ``staleness()`` seconds, are unknown to it.
    """

    event_log: EventLog
    now: Callable[[], float]
    on_grant: Callable[[NodeID, int], None]
    on_grant_over: Callable[[NodeID], None]
    staleness: Callable[[], float]
    records: EtcdRecords = field(default_factory=EtcdRecords)
    lists: list[ServerList] = field(default_factory=list)
    """Every list that was ever canonical."""
    changed_at: float = 0.0
    """When the newest one was published."""
    _past: deque[tuple[float, EtcdRecords]] = field(default_factory=deque)
    """Earlier records, each with the time until which they held, as a leader's reading may be old."""

    def check(self, changes: Changes) -> None:
        """Check one transaction."""
        before, after = self.records, self.records.after(changes, self.now())
        self.records = after
        self._past.append((self.now(), before))
        while self._past[0][0] < self.now() - MAX_FREEZE:
            self._past.popleft()
        if after.canonical is not before.canonical:
            self._check_list(before, after)
        if after.rollout_block is not before.rollout_block:
            self._check_rollout_block(before, after)
        if after.last_healthy is not before.last_healthy:
            self._check_healthy(before, after)
        self._check_grants(before, after)

    def _check_list(self, before: EtcdRecords, after: EtcdRecords) -> None:
        old, new = before.canonical, after.canonical
        if new is None:
            self.event_log.violated("the canonical list was deleted")
            return
        causes = ", ".join(map(str, new.cause))
        self.event_log.record(f"version {new.version} by {new.author} ({causes}): {_short(new.servers)}")
        self.lists.append(new.servers)
        self.changed_at = self.now()
        if new.version != (old.version if old else 0) + 1:
            self.event_log.violated(f"version {new.version} follows {old and old.version}")
        # A removal and its readmission may be in one transaction, which leaves no tombstone.
        gone = {tombstone.url for tombstone in after.tombstones.values()}
        gone |= {change.url for change in new.cause if change.kind is ChangeKind.REMOVE}
        for url in old.servers if old else ():
            if url not in new.servers and url not in gone:
                self.event_log.violated(f"{url} vanished from the list without a removal")
        for url in new.servers:
            if url in gone:
                self.event_log.violated(f"{url} is in the list in spite of its tombstone")
        bad = [each for each in after.quarantines.values() if each.servers == new.servers]
        if bad:
            self.event_log.violated(
                f"version {new.version} is the list of version {bad[0].version}, quarantined"
            )

    def _check_rollout_block(self, before: EtcdRecords, after: EtcdRecords) -> None:
        block = after.rollout_block
        self.event_log.record(
            f"rollout block: {block.kind.value}: {block.reason}" if block else "no rollout block"
        )
        if block and not block.reason:
            self.event_log.violated("a rollout block without a reason")
        was_paused = before.rollout_block and before.rollout_block.kind is BlockKind.PAUSED
        resumed = any(
            each.kind is RequestKind.RESUME and not each.subject and not each.outcome
            for each in before.requests.values()
        )
        if was_paused and not resumed:
            self.event_log.violated("a pause ended without an operator's request")

    def _check_healthy(self, before: EtcdRecords, after: EtcdRecords) -> None:
        """The list for rollbacks is one on which every node was healthy that no operator left out."""
        assert after.canonical
        if after.last_healthy != after.canonical:
            self.event_log.violated("another list than the newest one was recorded as healthy")
        not_in_step = [_not_in_step(known) for known in self._possible_snapshots(before)]
        if all(not_in_step):
            self.event_log.violated(
                f"version {after.canonical.version} was recorded as healthy, {not_in_step[0]} are not"
            )

    def _check_grants(self, before: EtcdRecords, after: EtcdRecords) -> None:
        for node in sorted({*before.grants, *after.grants}):
            old, new = before.grants.get(node), after.grants.get(node)
            if new is None and old is not None:
                self.event_log.record(f"{node}'s grant ends")
                self._check_end(node, old, before, after)
                self.on_grant_over(node)
            elif new and old and new.failed != old.failed and (new.failed or new.version == old.version):
                self.event_log.record(f"{node} failed: {new.failed}" if new.failed else f"{node} recovers")
            elif new and (old is None or (old.version, old.granted_at) != (new.version, new.granted_at)):
                self._check_new_grant(node, new, before, after)

    def _check_end(self, node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> None:
        """A grant ends when its node was back for as long as the policy asks, or left the network."""
        if after.belongs(node):
            wrong = [self._why_not_over(node, grant, known) for known in self._possible_snapshots(before)]
            if all(wrong):
                self.event_log.violated(f"{node}'s grant ended, and {wrong[0]}")

    def _why_not_over(self, node: NodeID, grant: Grant, before: EtcdRecords) -> str | None:
        report, canonical = before.reports.get(node), before.canonical
        if report is None or canonical is None or not before.serves(node):
            return "it does not serve"
        if report.loaded_version < min(grant.version, canonical.version) and not grant.already_unavailable:
            return f"it is on version {report.loaded_version}"
        if report.loaded_version >= grant.version:
            ready = before.serves_for(node, self.now())
            if ready < before.policy.rollout.min_ready - CLOCK_TOLERANCE:
                return f"it was healthy for {ready:.2f} s"
        return None

    def _check_new_grant(self, node: NodeID, grant: Grant, before: EtcdRecords, after: EtcdRecords) -> None:
        note = ", as unavailable" if grant.already_unavailable else ""
        self.event_log.record(f"{node} may restart into version {grant.version}{note}")
        retried = any(
            before.requests[name].kind is RequestKind.RETRY and before.requests[name].subject == node
            for name, request in after.requests.items()
            if request.outcome and name in before.requests and not before.requests[name].outcome
        )
        wrong = [why_not_grantable(node, grant, known, after) for known in self._possible_snapshots(before)]
        if all(wrong) and not retried:
            self.event_log.violated(f"{node} was granted a restart: {wrong[0]}")
        role = before.role_of(node)
        total = len(before.members_of(role)) if role else 0
        self.on_grant(node, before.policy.rollout.max_unavailable.of(total))

    def _possible_snapshots(self, before: EtcdRecords) -> Iterator[EtcdRecords]:
        """The records that the leader may have decided from: only their reports may be old."""
        yield before
        since = self.now() - self.staleness()
        for ended_at, earlier in reversed(self._past):
            if ended_at < since:
                return
            yield before.with_reports_of(earlier)


def _not_in_step(records: EtcdRecords) -> list[NodeID]:
    """The members that are not in step, without those that an operator left out."""
    nodes = [node for node in sorted({*records.members, *records.reports}) if records.belongs(node)]
    asked = [node for node in nodes if node not in records.pauses and not records.is_skipped(node)]
    return [node for node in asked if not records.in_step(node)]


def _short(servers: ServerList) -> str:
    return ", ".join(str(url.port) for url in servers)
