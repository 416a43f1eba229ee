"""What operators decided about the network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Admission(StrEnum):
    """Who is let in: anyone who names a member of the network, or nobody."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Policy:
    """The document under ``shared/policy``; these are the defaults where there is none.

    ``history`` is how many canonical versions are kept.
    """

    admission: Admission = Admission.OPEN
    history: int = 100
