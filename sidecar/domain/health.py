"""What a probe found out about the process next to the sidecar."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the process serves, and the probe's own words for why not."""

    healthy: bool
    reason: str
