"""The identity of this sidecar in the network: its node, and the instance that reports for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sidecar.domain.errors import BadRecord, UnknownFormat
from sidecar.domain.identity import Identity
from sidecar.domain.records.encoding import decode, loads
from sidecar.domain.records.report import NodeLocation, Report
from sidecar.domain.records.store import Entry
from sidecar.domain.records.tokens import JoinToken


@dataclass(frozen=True, slots=True)
class Instance:
    """``id`` is new at each start of the sidecar, and kept when it re-executes itself.

    ``host``, ``file`` (the path of the configuration file) and ``version`` (of the sidecar) are for people.
    ``join_token`` proves that the node may join.
    """

    identity: Identity
    id: str
    host: str
    version: str
    file: str = ""
    join_token: JoinToken | None = field(default=None, repr=False)

    @property
    def location(self) -> NodeLocation:
        """What distinguishes this node from another one with the same NodeID."""
        return NodeLocation(self.identity.node_id, self.identity.url, self.host, self.file)

    def why_node_id_taken(self, entry: Entry | None) -> str:
        """Why this node may not replace ``entry``, the report under its NodeID; ``""`` if it may."""
        if entry is None:
            return ""
        try:
            report = decode(Report, entry.value, entry.key)
        except UnknownFormat as exc:
            # Its own, where a newer version re-executed itself as this one: no other would ever free it.
            if loads(entry.value).get("instance") == self.id:
                return ""
            return f"the NodeID {self.identity.node_id} is taken by a node of another version: {exc}"
        except BadRecord:
            return ""
        return "" if report.instance == self.id else report.why_not_available(self.location) or ""
