"""What one node knows, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.domain.documents.document import Document
from sidecar.domain.identity import Identity
from sidecar.domain.node.actions import Decision
from sidecar.domain.node.process import NotLaunched, ProcessState, StartupTimeout
from sidecar.domain.records.canonical import Canonical, VersionedServers
from sidecar.domain.records.membership import Verdict
from sidecar.domain.records.report import NodeLocation
from sidecar.domain.records.rollout import Exemption, Grant, RolloutBlock

_NOT_LAUNCHED = NotLaunched()
_DEFAULT_STARTUP_TIMEOUT = StartupTimeout()


@dataclass(frozen=True, slots=True)
class View:
    """Everything a node decides from.

    ``synced``: the network's state was read in this life. ``store_unreachable``: etcd does not answer now.
    ``untrusted_reason``: why the newest canonical list is not ``canonical``, the one obeyed.
    ``node_id_conflict``: why its NodeID is another node's. ``conflicts``: who claims what this node has.
    ``in_progress``: the decision that is being carried out on the process at this moment.
    ``last_known_good``: the last-known-good list. ``recoveries``: how often the process was found healthy
    after it was not. ``last_healthy_start``: the `Running.started_at` of the last process that was healthy
    once. ``failed_starts``: how many starts in a row did not make it healthy. ``derive_unhealthy_since``: the
    `Running.started_at` of the first of several lives in a row that began by themselves and were not healthy;
    None where there is but one. ``sidecar_started_at``: when this life of the sidecar began, monotonic.
    """

    identity: Identity
    sidecar_started_at: float = 0.0
    bootstrap: bool = True
    stop_when_removed: bool = True
    synced: bool = False
    store_unreachable: bool = False
    lease_alive: bool = False
    canonical: Canonical | None = None
    untrusted_reason: str | None = None
    verdict: Verdict | None = None
    node_id_conflict: str = ""
    conflicts: tuple[NodeLocation, ...] = ()
    grant: Grant | None = None
    pause: Exemption | None = None
    rollout_block: RolloutBlock | None = None
    file: Document | None = None
    file_problem: str = ""
    last_known_good: VersionedServers | None = None
    process: ProcessState = _NOT_LAUNCHED
    in_progress: Decision | None = None
    healthy: bool = False
    recoveries: int = 0
    health_reason: str = ""
    startup_timeout: StartupTimeout = _DEFAULT_STARTUP_TIMEOUT
    last_healthy_start: float | None = None
    failed_starts: int = 0
    unhealthy_since: float | None = None
    loaded_version: int = 0
    attempt: str = ""
