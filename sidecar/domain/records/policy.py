"""The rules that operators set for the network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import NodeID

_PERCENT = re.compile(r"(100|[1-9][0-9]?)%")


class Admission(StrEnum):
    """Which newcomers are admitted, of those whose file names a server of the network."""

    OPEN = "open"
    MANUAL = "manual"
    """Those that an operator approves."""
    TOKEN = "token"  # noqa: S105 - the name of a rule
    """Those with a join token."""
    CLOSED = "closed"


class AdmissionProbe(StrEnum):
    """What the leader checks at a newcomer's URL before admitting it."""

    OFF = "off"
    ANSWERS = "answers"
    """That a server answers there."""
    IDENTITY = "identity"
    """That the answer names the NodeID."""


class OnFailure(StrEnum):
    """What follows if a node is not healthy in time after its restart."""

    HALT = "halt"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of nodes, or a percentage of them, rounded down but never to zero."""

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
            raise ValueError("is below 1, so that nothing could restart")
        return cls(value)

    def of(self, total: int) -> int:
        """The number of nodes, out of ``total``."""
        return max(1, total * self.number // 100) if self.percent else self.number

    def to_json(self) -> int | str:
        return f"{self.number}%" if self.percent else self.number


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``restarts`` of one node ``within`` that many seconds."""

    restarts: int = 10
    within: float = 600.0


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """How restarts follow a change.

    ``max_unavailable`` counts the nodes of each role. A node must be healthy for ``min_ready`` seconds before
    the next one restarts, and healthy ``timeout`` seconds after its grant. ``canary`` restarts first.
    """

    max_unavailable: Limit = Limit(1)
    min_ready: float = 0.0
    timeout: float = 600.0
    canary: NodeID | None = None
    on_failure: OnFailure = OnFailure.HALT
    budget: Budget = Budget()


@dataclass(frozen=True, slots=True)
class Policy:
    """The document under ``shared/policy``; these are the defaults if there is none.

    ``history`` is how many canonical versions are kept.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    admission: Admission = Admission.OPEN
    admission_probe: AdmissionProbe = AdmissionProbe.OFF
    history: int = 100
    rollout: RolloutPolicy = RolloutPolicy()
