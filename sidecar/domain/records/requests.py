"""The records of what is asked of the leader, and of how each request ended."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import ServerUrl


class RequestKind(StrEnum):
    """What can be asked of the leader."""

    JOIN = "join"
    REMOVE = "remove"
    READMIT = "readmit"
    APPROVE = "approve"
    REFUSE = "refuse"
    ROLLBACK = "rollback"
    PAUSE = "pause"
    """Of one node; without a subject, of the whole rollout. Resume likewise."""
    RESUME = "resume"
    SKIP = "skip"
    RETRY = "retry"


class OutcomeKind(StrEnum):
    """How a request ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The leader's answer to an operator; ``version`` is the canonical version that holds it."""

    kind: OutcomeKind
    reason: str
    version: int
    at: float


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked of the leader.

    ``subject`` is the NodeID or URL it is about, as the asker wrote it; of a rollback it is the version. A
    join carries the asker's own URL and the list its file holds; ``attempt`` names the try, and comes back in
    the verdict. ``token`` and ``proof`` are those of `domain.tokens`. A rollback carries the list of that
    version in ``servers``.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    kind: RequestKind
    subject: str
    by: str
    at: float
    attempt: str
    reason: str = ""
    url: ServerUrl | None = None
    servers: tuple[ServerUrl, ...] = ()
    token: str = ""
    proof: str = ""
    outcome: Outcome | None = None
