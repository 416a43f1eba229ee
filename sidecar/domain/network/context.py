"""What the leader decides from: itself, the network, and the time. One frozen value for every rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sidecar.domain.network.snapshot import Network
from sidecar.domain.network.transaction import Term
from sidecar.domain.records.canonical import Canonical, VersionedServers, why_untrusted
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.servers import ServerList
from sidecar.domain.timestamps import format_timestamp

ProbeResults = Mapping[tuple[str, AdmissionProbe], str]


@dataclass(frozen=True, slots=True)
class Leader:
    """What the leader knows that is not in etcd.

    ``bootstrap_list`` is the list to publish where there is none, and ``last_known_good`` the last one that
    this node applied. ``probe_results`` holds, by the attempt of a join and the kind of probe, the objection
    to it; ``""`` where the URL answered as it should. ``last_join_at`` is when the leader first saw the
    latest newcomer, in seconds since the epoch.
    """

    term: Term
    bootstrap_list: VersionedServers | None
    last_known_good: VersionedServers | None
    probe_results: ProbeResults = field(default_factory=dict)
    last_join_at: float = 0.0

    def why_untrusted(self, canonical: Canonical) -> str | None:
        """Why this leader does not build on ``canonical``; None where it does."""
        return why_untrusted(canonical, self.last_known_good.servers if self.last_known_good else None)


@dataclass(frozen=True, slots=True)
class LeaderContext:
    """What every rule of the leader reads; what it writes goes into a `TransactionBuilder` beside it.

    ``canonical`` is the published document. ``network`` and ``servers`` are those after the requests of this
    batch that were handled before. ``now`` is in seconds since the epoch.
    """

    network: Network
    canonical: Canonical
    servers: ServerList
    leader: Leader
    now: float

    @property
    def at(self) -> str:
        return format_timestamp(self.now)

    def with_network(self, network: Network) -> LeaderContext:
        return replace(self, network=network)
