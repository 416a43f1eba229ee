"""What the leader's rules work with, and how a version is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sidecar.domain.network.results import Probed
from sidecar.domain.network.snapshot import Network
from sidecar.domain.network.transaction import Draft, Term
from sidecar.domain.records.canonical import Canonical, Change
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Tombstone
from sidecar.domain.servers import ServerList, ServerUrl

# etcd refuses a transaction of more than 128 operations (--max-txn-ops), and a join takes up to four.
MOST_OPERATIONS = 96


@dataclass(frozen=True, slots=True)
class Desk:
    """The network as it is, who writes, when, and what is being written.

    ``probed`` is `answers.Case.probed`, and ``arrived`` when the latest newcomer was first seen; like
    ``now``, in seconds since the epoch.
    """

    network: Network
    canonical: Canonical
    term: Term
    now: float
    draft: Draft
    probed: Probed = field(default_factory=dict)
    arrived: float = 0.0

    @property
    def at(self) -> str:
        return timestamp(self.now)

    @property
    def full(self) -> bool:
        """Whether the rest has to wait for its turn right after."""
        return len(self.draft) > MOST_OPERATIONS

    def write(self, writes: Mapping[str, Record | None]) -> None:
        """Put each record under its key; delete the key where it is None."""
        for key, record in writes.items():
            if record is None:
                self.draft.delete(key)
            else:
                self.draft.put(key, record)

    def publish(self, servers: ServerList, cause: tuple[Change, ...], removed: tuple[Tombstone, ...]) -> None:
        """Make ``servers`` the next version."""
        following = replace(
            self.canonical,
            servers=servers,
            version=self.canonical.version + 1,
            cause=cause,
            author=self.term.node_id,
            term=self.term.created,
            at=self.at,
            removed=urls_of(removed),
        )
        publish(self.draft, self.network, following)


def publish(draft: Draft, network: Network, canonical: Canonical) -> None:
    """Write ``canonical``, and keep it in the history."""
    keys = network.keys
    draft.put(keys.canonical, canonical)
    oldest = max(1, canonical.version - network.policy.history + 1)
    draft.archive(keys.history(canonical.version), canonical)
    draft.prune(keys.history(0), keys.history(oldest))
    causes = ", ".join(str(change) for change in canonical.cause)
    draft.reasons.append(f"version {canonical.version} ({causes}): {canonical.servers}")


def urls_of(removed: tuple[Tombstone, ...]) -> tuple[ServerUrl, ...]:
    """The URLs kept out, each once: a server may have been removed under two names."""
    return tuple(dict.fromkeys(t.url for t in removed if t.url))


def timestamp(now: float) -> str:
    """``now`` (Unix epoch) as RFC 3339, UTC, to the second."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch(at: str) -> float:
    """The seconds since the epoch of ``at``, which is as RFC 3339 has it; 0 for a day of no calendar."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except (ValueError, OverflowError):  # the schema knows the form, and not how long a February is
        return 0.0
