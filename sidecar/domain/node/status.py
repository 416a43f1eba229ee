"""What one sidecar knows and does, as the admin API shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sidecar.domain.identity import Identity
from sidecar.domain.records.report import Phase

CounterName = Literal[
    "starts", "restarts", "crashes", "file_writes", "rejected_edits", "store_errors", "leader_terms"
]


@dataclass(frozen=True, slots=True)
class Counters:
    """What has happened since the sidecar started."""

    starts: int = 0
    restarts: int = 0
    crashes: int = 0
    file_writes: int = 0
    rejected_edits: int = 0
    store_errors: int = 0
    leader_terms: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """One sidecar, at one moment.

    ``phase_since``: when the current phase began, in seconds since the epoch. ``synced``: it has read the
    network's state at least once. ``file_up_to_date``: its file holds the canonical list. ``boot_checked``:
    the file has passed the boot check, so the process may start. ``rollout_block``: what blocks the rollout
    of the network, None if nothing does.
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
        """Whether the sidecar is synced, its file is up to date and its lease is alive."""
        return self.synced and self.file_up_to_date and self.lease_alive
