"""What operators decided about the network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import NodeID

_PERCENT = re.compile(r"(100|[1-9][0-9]?)%")


class Admission(StrEnum):
    """Who is let in, of those whose file names a member of the network."""

    OPEN = "open"
    MANUAL = "manual"
    """Whom an operator approves."""
    TOKEN = "token"  # noqa: S105 - the name of a rule
    """Who proves that it was given a join token."""
    CLOSED = "closed"


class AdmissionProbe(StrEnum):
    """What is asked of a newcomer's URL before it is let in."""

    OFF = "off"
    ANSWERS = "answers"
    """Whether anything answers there."""
    IDENTITY = "identity"
    """Whether what answers says that it is that NodeID."""


class OnFailure(StrEnum):
    """What follows when a node does not come back from a restart."""

    HALT = "halt"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many nodes, or so many in a hundred of them, rounded down but never to none."""

    number: int
    percent: bool = False

    @classmethod
    def parse(cls, value: int | str) -> Limit:
        """Return the limit that JSON or an operator spells ``2`` or ``"25%"``. Raises ValueError."""
        if isinstance(value, str):
            if not _PERCENT.fullmatch(value):
                raise ValueError('is neither a number from 1 nor a percentage such as "25%"')
            return cls(int(value[:-1]), percent=True)
        if value < 1:
            raise ValueError("is below 1, with which nothing could ever restart")
        return cls(value)

    def of(self, total: int) -> int:
        """How many of ``total`` that is."""
        return max(1, total * self.number // 100) if self.percent else self.number

    def to_json(self) -> int | str:
        return f"{self.number}%" if self.percent else self.number


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``restarts`` of one node ``within`` so many seconds."""

    restarts: int = 10
    within: float = 600.0


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """How restarts follow a change.

    ``max_unavailable`` counts the nodes of each role. A node must have been healthy for ``min_ready`` seconds
    before the next one goes, and be so ``timeout`` seconds after its turn began. ``canary`` goes first.
    """

    max_unavailable: Limit = Limit(1)
    min_ready: float = 0.0
    timeout: float = 600.0
    canary: NodeID | None = None
    on_failure: OnFailure = OnFailure.HALT
    budget: Budget = Budget()


@dataclass(frozen=True, slots=True)
class Policy:
    """The document under ``shared/policy``; these are the defaults where there is none.

    ``history`` is how many canonical versions are kept.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    admission: Admission = Admission.OPEN
    admission_probe: AdmissionProbe = AdmissionProbe.OFF
    history: int = 100
    rollout: RolloutPolicy = RolloutPolicy()
