"""The records of the requests to the leader, and of their outcomes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import ServerUrl


class RequestKind(StrEnum):
    """What a node or an operator can request of the leader."""

    JOIN = "join"
    REMOVE = "remove"
    READMIT = "readmit"
    APPROVE = "approve"
    REFUSE = "refuse"
    ROLLBACK = "rollback"
    PAUSE = "pause"
    """Pauses one node; without a subject, the whole rollout. Resume likewise."""
    RESUME = "resume"
    SKIP = "skip"
    RETRY = "retry"


class OutcomeKind(StrEnum):
    """How a request ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The leader's answer to an operator. ``version`` is the canonical version that contains the change."""

    kind: OutcomeKind
    reason: str
    version: int
    at: float


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the leader.

    ``subject`` is the NodeID or URL, as the requester wrote it; for a rollback it is the version. A join
    carries the node's own URL and the list in its file; ``attempt`` identifies the try, and the verdict
    repeats it. ``token`` and ``proof`` are those of `records.tokens`. A rollback carries the list of that
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
