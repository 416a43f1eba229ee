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
    crashes: int = 0
    file_writes: int = 0
    rejected_edits: int = 0
    store_errors: int = 0
    leader_terms: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """One sidecar, at one moment. ``phase_since`` is in seconds since the epoch, of the current phase.

    ``synced``: it has read the network's state at least once. ``file_up_to_date``: its file holds the
    canonical list. ``passes_boot_check``: the process was, or could now be, started on a checked file.
    ``rollout_block``: why the rollout of the network does not go on, None where nothing holds it.
    """

    identity: Identity
    network: str
    phase: Phase
    reason: str
    phase_since: float
    synced: bool
    file_up_to_date: bool
    lease_alive: bool
    boot_checked: bool
    leading: bool
    healthy: bool
    pid: int | None
    canonical_version: int | None
    loaded_version: int | None
    servers: tuple[str, ...]
    counters: Counters = field(default_factory=Counters)
    rollout_block: str | None = None

    @property
    def ready(self) -> bool:
        """Has listed, has applied, and its lease is alive."""
        return self.synced and self.file_up_to_date and self.lease_alive
