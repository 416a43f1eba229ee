"""The records in etcd, read from its changes, independently of the leader's own snapshot."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from sidecar.domain.identity import Role
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.encoding import R, decode
from sidecar.domain.records.membership import Member, Tombstone
from sidecar.domain.records.policy import Policy
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.requests import Request
from sidecar.domain.records.rollout import Exemption, Grant, Quarantine, RolloutBlock
from sidecar.domain.records.store import Entry
from sidecar.domain.servers import NodeID
from tests.builders import KEYS


@dataclass(slots=True)
class EtcdRecords:
    """The records of one network, as of one revision."""

    canonical: Canonical | None = None
    last_healthy: Canonical | None = None
    policy: Policy = field(default_factory=Policy)
    rollout_block: RolloutBlock | None = None
    reports: dict[NodeID, Report] = field(default_factory=dict)
    members: dict[NodeID, Member] = field(default_factory=dict)
    grants: dict[NodeID, Grant] = field(default_factory=dict)
    pauses: dict[NodeID, Exemption] = field(default_factory=dict)
    skips: dict[NodeID, Exemption] = field(default_factory=dict)
    tombstones: dict[str, Tombstone] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    quarantines: dict[str, Quarantine] = field(default_factory=dict)
    serving: dict[NodeID, tuple[str, float]] = field(default_factory=dict)
    """The nodes that serve, by their reports: the `Report.health_epoch`, and when it was first reported.

    A node without a report may still serve, and reports so once it is back.
    """

    def after(self, changes: dict[str, Entry | None], now: float) -> EtcdRecords:
        """The records after ``changes``, at ``now``."""
        following = copy(self)
        for attribute, _ in (*_NODE_RECORDS.values(), *_FOLDERS.values()):
            setattr(following, attribute, dict(getattr(self, attribute)))
        for key, entry in changes.items():
            following._apply(key, entry)
        following._note_serving_nodes(now)
        return following

    def with_reports_of(self, earlier: EtcdRecords) -> EtcdRecords:
        """These records, with the reports of an earlier moment."""
        return replace(self, reports=earlier.reports, serving=earlier.serving)

    def serves_for(self, node: NodeID, now: float) -> float:
        """Seconds since the node first reported that it serves."""
        return now - self.serving[node][1]

    def serves(self, node: NodeID) -> bool:
        """Whether the node serves, by its report."""
        report = self.reports.get(node)
        return bool(report and report.healthy and report.phase in (Phase.RUNNING, Phase.RESTART_PENDING))

    def in_step(self, node: NodeID) -> bool:
        """Whether the node serves on the newest list, by its report."""
        assert self.canonical
        return self.serves(node) and self.reports[node].loaded_version >= self.canonical.version

    def is_skipped(self, node: NodeID) -> bool:
        """Whether a skip still counts: until its node serves and a newer list was published."""
        skip = self.skips.get(node)
        assert self.canonical
        return skip is not None and (skip.version >= self.canonical.version or not self.serves(node))

    def role_of(self, node: NodeID) -> Role | None:
        known = self.members.get(node) or self.reports.get(node)
        return known.role if known else None

    def members_of(self, role: Role) -> set[NodeID]:
        """The nodes of ``role`` that belong to the network."""
        return {n for n in {*self.members, *self.reports} if self.role_of(n) is role and self.belongs(n)}

    def belongs(self, node: NodeID) -> bool:
        known = self.members.get(node) or self.reports.get(node)
        if known is None or self.canonical is None:
            return False
        listed = known.url is None or known.url in self.canonical.servers
        return listed and not any(tombstone.covers(node, known.url) for tombstone in self.tombstones.values())

    def _note_serving_nodes(self, now: float) -> None:
        self.serving = {node: known for node, known in self.serving.items() if node not in self.reports} | {
            node: known if known and known[0] == report.health_epoch else (report.health_epoch, now)
            for node, report in self.reports.items()
            if self.serves(node)
            for known in [self.serving.get(node)]
        }

    def _apply(self, key: str, entry: Entry | None) -> None:
        match KEYS.parts_of(key):
            case ("node", name, leaf) if leaf in _NODE_RECORDS:
                _put(getattr(self, _NODE_RECORDS[leaf][0]), name, _read(_NODE_RECORDS[leaf][1], entry))
            case (folder, name) if folder in _FOLDERS:
                _put(getattr(self, _FOLDERS[folder][0]), name, _read(_FOLDERS[folder][1], entry))
            case ("shared", "policy"):
                self.policy = _read(Policy, entry) or Policy()
            case ("shared", "canonical"):
                self.canonical = _read(Canonical, entry)
            case ("shared", "rollout-block"):
                self.rollout_block = _read(RolloutBlock, entry)
            case ("rollout", "last-healthy"):
                self.last_healthy = _read(Canonical, entry)
            case _:
                pass


_NODE_RECORDS: dict[str, tuple[str, type[Any]]] = {
    "grant": ("grants", Grant),
    "pause": ("pauses", Exemption),
    "skip": ("skips", Exemption),
}
_FOLDERS: dict[str, tuple[str, type[Any]]] = {
    "report": ("reports", Report),
    "member": ("members", Member),
    "tombstone": ("tombstones", Tombstone),
    "request": ("requests", Request),
    "quarantine": ("quarantines", Quarantine),
}


def _read(cls: type[R], entry: Entry | None) -> R | None:
    return decode(cls, entry.value, entry.key) if entry else None


def _put(records: dict[str, Any], name: str, record: Any) -> None:
    if record is None:
        records.pop(name, None)
    else:
        records[name] = record
