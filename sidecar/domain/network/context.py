"""What the leader's rules work with, and how a version is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sidecar.domain.network.results import ProbeResults
from sidecar.domain.network.snapshot import Network
from sidecar.domain.network.transaction import Term, TransactionBuilder
from sidecar.domain.records.canonical import Canonical, Change
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Tombstone
from sidecar.domain.servers import ServerList, ServerUrl
from sidecar.domain.timestamps import format_timestamp

# etcd refuses a transaction of more than 128 operations (--max-txn-ops), and a join takes up to four.
MAX_OPERATIONS = 96


@dataclass(frozen=True, slots=True)
class LeaderContext:
    """The network as it is, who writes, when, and what is being written.

    ``probe_results`` is `RequestContext.probe_results`, and ``last_join_at`` when the latest newcomer was
    first seen; like ``now``, in seconds since the epoch.
    """

    network: Network
    canonical: Canonical
    term: Term
    now: float
    builder: TransactionBuilder
    probe_results: ProbeResults = field(default_factory=dict)
    last_join_at: float = 0.0

    @property
    def at(self) -> str:
        return format_timestamp(self.now)

    @property
    def full(self) -> bool:
        """Whether the rest has to wait for its turn right after."""
        return len(self.builder) > MAX_OPERATIONS

    def write(self, writes: Mapping[str, Record | None]) -> None:
        """Put each record under its key; delete the key where it is None."""
        for key, record in writes.items():
            if record is None:
                self.builder.delete(key)
            else:
                self.builder.put(key, record)

    def publish(self, servers: ServerList, cause: tuple[Change, ...], removed: tuple[Tombstone, ...]) -> None:
        """Make ``servers`` the next version."""
        next_version = replace(
            self.canonical,
            servers=servers,
            version=self.canonical.version + 1,
            cause=cause,
            author=self.term.node_id,
            term=self.term.create_revision,
            at=self.at,
            removed=urls_of(removed),
        )
        publish(self.builder, self.network, next_version)


def publish(builder: TransactionBuilder, network: Network, canonical: Canonical) -> None:
    """Write ``canonical``, and keep it in the history."""
    keys = network.keys
    builder.put(keys.canonical, canonical)
    oldest = max(1, canonical.version - network.policy.history + 1)
    builder.put_unfenced(keys.history(canonical.version), canonical)
    builder.delete_unfenced(keys.history(0), keys.history(oldest))
    causes = ", ".join(str(change) for change in canonical.cause)
    builder.reasons.append(f"version {canonical.version} ({causes}): {canonical.servers}")


def urls_of(removed: tuple[Tombstone, ...]) -> tuple[ServerUrl, ...]:
    """The URLs kept out, each once: a server may have been removed under two names."""
    return tuple(dict.fromkeys(t.url for t in removed if t.url))
