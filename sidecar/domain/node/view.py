"""What one node knows, as one frozen value, grouped by where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field

from sidecar.domain.documents.document import Document
from sidecar.domain.identity import Identity
from sidecar.domain.node.actions import Decision
from sidecar.domain.node.process import NotLaunched, ProcessState, StartupTimeout
from sidecar.domain.records.canonical import Canonical, VersionedServers
from sidecar.domain.records.membership import Verdict
from sidecar.domain.records.report import NodeLocation
from sidecar.domain.records.rollout import Exemption, Grant, RolloutBlock


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """What the node's settings allow.

    ``may_bootstrap``: it may publish its own list in a network that has none. ``restarts_in_place``: one
    command restarts the process; otherwise a restart is a stop, then a start.
    """

    may_bootstrap: bool = True
    stop_when_removed: bool = True
    restarts_in_place: bool = False
    startup_timeout: StartupTimeout = field(default_factory=StartupTimeout)


@dataclass(frozen=True, slots=True)
class NetworkView:
    """What etcd holds for this node, and whether it answers.

    ``synced``: the records were read at least once since the sidecar started. ``untrusted_reason``: why the
    newest canonical list is not accepted; ``canonical`` is then the last accepted one.
    ``node_id_taken_reason``: why the NodeID belongs to another node. ``claimants``: the nodes that claim this
    node's NodeID or URL.
    """

    synced: bool = False
    store_unreachable: bool = False
    lease_alive: bool = False
    canonical: Canonical | None = None
    untrusted_reason: str | None = None
    verdict: Verdict | None = None
    node_id_taken_reason: str = ""
    claimants: tuple[NodeLocation, ...] = ()
    grant: Grant | None = None
    pause: Exemption | None = None
    rollout_block: RolloutBlock | None = None


@dataclass(frozen=True, slots=True)
class FileView:
    """The configuration file as it was last read.

    ``problem``: why it cannot be used now. ``attempt``: identifies the attempt to join with this content.
    """

    document: Document | None = None
    problem: str = ""
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class ProcessView:
    """The process, and what the sidecar is doing to it.

    ``loaded_version``: the canonical version whose list the process was started on, 0 if none is known.
    ``in_progress``: the decision that is being carried out on the process.
    """

    state: ProcessState = field(default_factory=NotLaunched)
    loaded_version: int = 0
    in_progress: Decision | None = None


@dataclass(frozen=True, slots=True)
class HealthView:
    """What the probe reports, and what follows from its reports over time.

    ``recoveries``: how often the process became healthy. ``last_healthy_start``: the `Running.started_at` of
    the last process that was ever healthy. ``failed_starts``: how many starts in a row did not make it
    healthy. ``unhealthy_since``: if the process restarted on its own without ever becoming healthy, the
    `Running.started_at` of the first process of that series.
    """

    healthy: bool = False
    reason: str = ""
    recoveries: int = 0
    last_healthy_start: float | None = None
    failed_starts: int = 0
    unhealthy_since: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Everything a node decides from.

    ``sidecar_started_at`` is monotonic, on the clock of ``process``. ``last_known_good``: the last canonical
    list that the file held, for a start without etcd.
    """

    identity: Identity
    sidecar_started_at: float = 0.0
    options: NodeOptions = field(default_factory=NodeOptions)
    network: NetworkView = field(default_factory=NetworkView)
    file: FileView = field(default_factory=FileView)
    process: ProcessView = field(default_factory=ProcessView)
    health: HealthView = field(default_factory=HealthView)
    last_known_good: VersionedServers | None = None
