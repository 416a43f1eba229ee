"""The records of a rollout: which nodes may restart, which are left out, and what blocks it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class Grant:
    """The permission for one node to restart into ``version`` or a later one.

    ``granted_at`` is when it was given, and ``healthy_since`` when the leader first saw the node healthy on
    the version that it loaded, both in seconds since the epoch; None while it is not healthy.
    ``health_epoch`` is the `Report.health_epoch` at that time: if the node reports another one now, it was
    unhealthy in between. ``already_unavailable``: the node was out of service before, so that its restart
    takes no server away and its failure blocks no other node; the grant is withdrawn once the node serves.
    ``failed`` says why the node did not become healthy, until it does. ``ignore_failure_at`` and
    ``ignore_failed_starts`` are `Report.since` and `Report.failed_starts` of the failure before an operator's
    retry, which does not count.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    version: int
    term: int
    granted_at: float
    healthy_since: float | None = None
    health_epoch: str = ""
    already_unavailable: bool = False
    failed: str = ""
    ignore_failure_at: float = -1.0
    ignore_failed_starts: int = 0


@dataclass(frozen=True, slots=True)
class Exemption:
    """Keeps one node out of all rollouts (a pause), or out of the one to ``version`` (a skip)."""

    FORMATS: ClassVar[Formats] = Formats(1)

    version: int
    at: str
    by: str
    reason: str = ""


class BlockKind(StrEnum):
    """Why the leader grants no restart."""

    PAUSED = "paused"
    """An operator paused the rollout."""
    WAITING = "waiting"
    """A node is away, and no other node may become unavailable."""
    HALTED = "halted"
    """A node failed. Its recovery, a skip, a newer list or a rollback ends the block."""


@dataclass(frozen=True, slots=True)
class RolloutBlock:
    """The rollout to ``version`` is blocked. Every node reads this, so that each can say why it waits."""

    FORMATS: ClassVar[Formats] = Formats(1)

    kind: BlockKind
    version: int
    reason: str
    at: str
    by: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """A version that was rolled back after a node failed on it; its list is not published again."""

    FORMATS: ClassVar[Formats] = Formats(1)

    version: int
    servers: ServerList
    reason: str
    at: str
