"""What one sidecar knows, and why it does what it does: the value behind the admin API."""

from __future__ import annotations

from dataclasses import dataclass, field

from sidecar.domain.identity import Identity
from sidecar.domain.records.report import Phase


@dataclass(frozen=True, slots=True)
class Counters:
    """What has happened in this life of the sidecar."""

    starts: int = 0
    restarts: int = 0
    deaths: int = 0
    file_writes: int = 0
    rejected_edits: int = 0
    store_errors: int = 0
    terms: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """One sidecar, at one moment. ``since`` is in seconds since the epoch, of the current phase.

    ``listed``: it has read the network's state at least once. ``applied``: its file holds the canonical
    list. ``boot_checked``: the process was, or could now be, started on a checked file. ``standstill``: why
    the rollout of the network does not go on, None where nothing holds it.
    """

    identity: Identity
    network: str
    phase: Phase
    reason: str
    since: float
    listed: bool
    applied: bool
    lease_alive: bool
    boot_checked: bool
    leading: bool
    healthy: bool
    pid: int | None
    canonical_version: int | None
    loaded_version: int | None
    servers: tuple[str, ...]
    counters: Counters = field(default_factory=Counters)
    standstill: str | None = None

    @property
    def ready(self) -> bool:
        """Has listed, has applied, and its lease is alive."""
        return self.listed and self.applied and self.lease_alive
