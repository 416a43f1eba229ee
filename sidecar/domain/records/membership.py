"""The records of who is a member, who was refused, and who was removed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.identity import Role
from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import NodeID, ServerUrl


@dataclass(frozen=True, slots=True)
class Member:
    """A node the leader has seen: which URL belongs to which NodeID, also while the node is away.

    ``restart_times``: when it was granted its latest ones, in seconds since the epoch.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    node_id: NodeID
    role: Role
    url: ServerUrl | None
    since: str
    restart_times: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server that would lead. Of all candidates, the one with the lowest create revision does."""

    FORMATS: ClassVar[Formats] = Formats(1)

    node_id: NodeID
    url: ServerUrl | None
    since: str
    instance: str


class VerdictKind(StrEnum):
    """Why a node is not in the network."""

    PENDING = "pending"
    """It is for an operator to let it in."""
    REFUSED = "refused"
    CONFLICT = "taken"
    """Another node, which is alive, has its NodeID or its URL."""
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the leader told one node. ``attempt`` is the join request it answers, if it answers one.

    ``by``: the operator who refused it; empty where it was a rule. ``holder`` has what was taken.
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
    """Keeps a removed node out until it is readmitted. One of ``node_id`` and ``url`` is known, or both."""

    FORMATS: ClassVar[Formats] = Formats(1)

    node_id: NodeID | None
    url: ServerUrl | None
    role: Role
    at: str
    by: str
    reason: str

    @property
    def name(self) -> str:
        """What the tombstone is called: the NodeID where it is known, else the URL's normal form."""
        return self.node_id or (self.url.normal if self.url else "")

    def covers(self, node_id: NodeID | None, url: ServerUrl | None) -> bool:
        """Whether this tombstone keeps out a node of that name, or one at that URL."""
        same_node = node_id is not None and node_id == self.node_id
        return same_node or (url is not None and url == self.url)
