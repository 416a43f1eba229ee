"""The records of a rollout: who may restart, who is left out of it, and what holds it up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave for one node to restart into ``version`` or a later one: its turn.

    ``granted_at`` is when the turn began, and ``healthy_since`` when the leader first saw that the node is
    healthy on what it loaded, both in seconds since the epoch; None while it is not. ``health_epoch`` is the
    `Report.health_epoch` of that: where it is another one now, the node was not healthy in between.
    ``already_unavailable``: it was out of service already, so the turn costs nobody anything, and that it
    does not come back stops nobody else; once the node serves, it is good for nothing. ``failed`` says how
    the node did not come back, from then until it does. ``ignore_failure_at`` and ``ignore_failed_starts``
    are `Report.since` and `Report.failed_starts` of a failure that an operator wants tried again: they are
    none of this try.
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
    """An operator keeps one node out of rollouts (a pause), or out of the one to ``version`` (a skip)."""

    FORMATS: ClassVar[Formats] = Formats(1)

    version: int
    at: str
    by: str
    reason: str = ""


class BlockKind(StrEnum):
    """Why no node is granted a restart."""

    PAUSED = "paused"
    """An operator wants it so."""
    WAITING = "waiting"
    """A node is missing, and no other may be taken out of service beside it."""
    HALTED = "halted"
    """A node failed; its recovery, a skip, a newer list or a rollback ends it."""


@dataclass(frozen=True, slots=True)
class RolloutBlock:
    """The rollout to ``version`` does not go on. Every node reads this, so that each can say why it waits."""

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
    """A version that was rolled back because a node failed on it; its list is not published again."""

    FORMATS: ClassVar[Formats] = Formats(1)

    version: int
    servers: ServerList
    reason: str
    at: str
