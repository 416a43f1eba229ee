"""The records of the nodes that are members, and of those that were refused or removed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.identity import Role
from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import NodeID, ServerUrl


@dataclass(frozen=True, slots=True)
class Member:
    """A node that the leader has seen. It ties the URL to the NodeID, also while the node is away.

    ``restart_times`` holds when its latest restarts were granted, in seconds since the epoch.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    node_id: NodeID
    role: Role
    url: ServerUrl | None
    since: str
    restart_times: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server that stands for election. The candidate with the lowest create revision leads."""

    FORMATS: ClassVar[Formats] = Formats(1)

    node_id: NodeID
    url: ServerUrl | None
    since: str
    instance: str


class VerdictKind(StrEnum):
    """Why a node is not in the network."""

    PENDING = "pending"
    """It waits for an operator to approve it."""
    REFUSED = "refused"
    CONFLICT = "taken"
    """Another live node has its NodeID or its URL."""
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The leader's answer to one node. ``attempt`` names the join request that it answers, if any.

    ``by`` is the operator who refused it; empty if a rule did. ``holder`` is the node that has the NodeID or
    URL in conflict.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    kind: VerdictKind
    reason: str
    at: str
    attempt: str = ""
    by: str = ""
    holder: NodeID | None = None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Keeps a removed node out until it is readmitted. At least one of ``node_id`` and ``url`` is known."""

    FORMATS: ClassVar[Formats] = Formats(1)

    node_id: NodeID | None
    url: ServerUrl | None
    role: Role
    at: str
    by: str
    reason: str

    @property
    def name(self) -> str:
        """The NodeID if it is known, otherwise the URL's normal form."""
        return self.node_id or (self.url.normal if self.url else "")

    def covers(self, node_id: NodeID | None, url: ServerUrl | None) -> bool:
        """Whether this tombstone keeps out a node with that NodeID, or one at that URL."""
        same_node = node_id is not None and node_id == self.node_id
        return same_node or (url is not None and url == self.url)
