"""The report of a node to the network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from sidecar.domain.identity import Role
from sidecar.domain.records.formats import Formats
from sidecar.domain.servers import NodeID, ServerUrl


class Phase(StrEnum):
    """The state of a node. The reason beside it says why."""

    WAITING = "waiting"
    """It waits for etcd, a canonical list, or a readable file; the process has not been started."""
    JOINING = "joining"
    """It has requested to join and waits for the leader."""
    REFUSED = "refused"
    REMOVED = "removed"
    STARTING = "starting"
    """The process is being started, or runs but is not healthy yet."""
    RUNNING = "running"
    """In sync: the process runs, healthy, on the canonical list."""
    RESTART_PENDING = "restart-pending"
    """The file is in sync; the process runs on an older list and waits for a grant."""
    RESTARTING = "restarting"
    RESTART_FAILED = "restart-failed"
    """A restart failed; the process keeps running, and the next try follows after a backoff."""
    CRASHED = "crashed"
    """The process exited by itself, or did not start, and is started again after a backoff."""


@dataclass(frozen=True, slots=True)
class NodeLocation:
    """What distinguishes a node from another one with the same NodeID.

    A conflict is stored as one, under ``node/<NodeID>/conflict/`` of the node that owns the NodeID or URL.
    ``file`` is the path of the configuration file, ``""`` if it is not known.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    node_id: NodeID
    url: ServerUrl | None
    host: str
    file: str = ""

    def __str__(self) -> str:
        """The place, for people."""
        return f"on {self.host}" + (f" at {self.url}" if self.url else f" ({self.file})" if self.file else "")

    def is_as(self, other: NodeLocation) -> bool:
        """Whether both are one node. Two on one machine differ by URL; database nodes, by their files."""
        same_file = self.url is not None or "" in (self.file, other.file) or self.file == other.file
        return same_file and (self.node_id, self.url, self.host) == (other.node_id, other.url, other.host)


@dataclass(frozen=True, slots=True)
class Report:
    """One node's report, kept under its lease.

    ``loaded_version`` is the canonical version whose list the process was started on, 0 before that;
    ``written_version`` the one whose list the file holds. ``instance`` is new in each process of the
    sidecar, and is kept across re-executions. ``since`` is when the phase began, in seconds since the epoch.
    ``failed_starts``: how many starts in a row did not make the process healthy. ``file`` is the path of the
    configuration file. ``recoveries``: how often, in this instance, the process became healthy after it was
    not.
    """

    FORMATS: ClassVar[Formats] = Formats(1)

    node_id: NodeID
    role: Role
    url: ServerUrl | None
    phase: Phase
    reason: str
    since: float
    healthy: bool
    loaded_version: int
    written_version: int
    instance: str
    host: str
    pid: int | None
    sidecar: str
    failed_starts: int = 0
    file: str = ""
    recoveries: int = 0

    @property
    def serves(self) -> bool:
        """Whether the process runs, healthy, on whatever list it loaded."""
        return self.healthy and self.phase in (Phase.RUNNING, Phase.RESTART_PENDING)

    @property
    def wants_grant(self) -> bool:
        """Whether the node waits for permission to restart."""
        return self.phase is Phase.RESTART_PENDING

    @property
    def health_epoch(self) -> str:
        """Names the time for which a node that is healthy has been so without a break."""
        return f"{self.instance}/{self.recoveries}"

    def why_not_available(self, claim: NodeLocation) -> str | None:
        """Say why the NodeID is not free for ``claim`` while this report is alive; None where it is.

        A node that comes back after a crash, at the same URL and on the same machine, is the same node.
        """
        holder = NodeLocation(self.node_id, self.url, self.host, self.file)
        if holder.is_as(claim):
            return None
        return (
            f"the NodeID {claim.node_id} is taken by a node that is alive, {holder}; "
            "give this one its own, or stop the other"
        )
