"""The canonical list, why it changed, and whether a node should obey it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import NodeID, ServerList, ServerUrl


class ChangeKind(StrEnum):
    """The kind of change that made a canonical version."""

    BOOTSTRAP = "bootstrap"
    JOIN = "join"
    REMOVE = "remove"
    READMIT = "readmit"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Change:
    """One cause of a canonical version: the server, the requester and the reason."""

    kind: ChangeKind
    node_id: NodeID | None = None
    url: ServerUrl | None = None
    by: str = ""
    reason: str = ""

    def __str__(self) -> str:
        subject = self.node_id or self.url or ""
        return f"{self.kind.value} {subject}".strip()

    @property
    def description(self) -> str:
        """The whole change: what, by whom, and why."""
        if self.kind is ChangeKind.ROLLBACK:
            return f"{self.reason}, by {self.by}"  # the reason names what was rolled back to
        by = f" by {self.by}" if self.by else ""
        return f"{self}{by}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Canonical:
    """The list that every file must hold. Versions rise by one.

    ``term`` is the create revision of the author's leader key; ``at`` is RFC 3339, UTC. ``removed`` holds the
    URLs that tombstones keep out, so that a node that missed a removal can distinguish it from damage.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    servers: ServerList = field(metadata={"key": "FederatedServers"})
    version: int
    cause: tuple[Change, ...]
    author: NodeID
    term: int
    at: str
    removed: tuple[ServerUrl, ...]

    @property
    def origin(self) -> str:
        """The version and its origin, in one line."""
        causes = ", ".join(str(change) for change in self.cause)
        return f"version {self.version}, by {self.author} at {self.at}: {causes}"


def why_untrusted(proposed: Canonical, trusted: ServerList | None) -> str | None:
    """Say why a node that has obeyed ``trusted`` should not obey ``proposed``; None if it should.

    A list that lost more than half of its servers, without tombstones that explain it, is considered a
    mistake: obeying it would split the network.
    """
    if not proposed.servers:
        return "it is empty"
    if trusted is None:
        return None
    explained = set(proposed.removed)
    kept = [url for url in trusted if url in proposed.servers or url in explained]
    if 2 * len(kept) < len(trusted):
        return (
            f"it drops {len(trusted) - len(kept)} of {len(trusted)} servers that were not removed; "
            "remove them with `sidecar remove`, or restore the list"
        )
    return None


@dataclass(frozen=True, slots=True)
class VersionedServers:
    """A list of servers, and the canonical version it comes from."""

    version: int
    servers: ServerList
