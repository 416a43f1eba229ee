"""What a probe finds out about the process next to the sidecar."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProbeSchedule:
    """A healthy process is probed every ``interval`` seconds.

    It counts as unhealthy after ``failure_threshold`` failures in a row.
    """

    interval: float = 5.0
    failure_threshold: int = 2


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the process is healthy; ``reason`` is the probe's explanation if it is not."""

    healthy: bool
    reason: str
