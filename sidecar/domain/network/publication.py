"""How a version of the canonical list is published."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.snapshot import Network
from sidecar.domain.network.transaction import TransactionBuilder
from sidecar.domain.records.canonical import Canonical, Change
from sidecar.domain.records.membership import Tombstone
from sidecar.domain.servers import ServerUrl


def publish_next_version(
    context: LeaderContext, transaction: TransactionBuilder, changes: tuple[Change, ...]
) -> None:
    """Make the list of ``context`` the next version, caused by ``changes``."""
    term = context.leader.term
    canonical = replace(
        context.canonical,
        servers=context.servers,
        version=context.canonical.version + 1,
        cause=changes,
        author=term.node_id,
        term=term.create_revision,
        at=context.at,
        removed=urls_of(context.network.membership.tombstones),
    )
    publish(canonical, context.network, transaction)


def publish(canonical: Canonical, network: Network, transaction: TransactionBuilder) -> None:
    """Write ``canonical``, and keep it in the history."""
    keys = network.keys
    transaction.put(keys.canonical, canonical)
    oldest = max(1, canonical.version - network.policy.history + 1)
    transaction.put_unfenced(keys.history(canonical.version), canonical)
    transaction.delete_unfenced(keys.history(0), keys.history(oldest))
    causes = ", ".join(str(change) for change in canonical.cause)
    transaction.reasons.append(f"version {canonical.version} ({causes}): {canonical.servers}")


def urls_of(removed: tuple[Tombstone, ...]) -> tuple[ServerUrl, ...]:
    """The URLs kept out, each once: a server may have been removed under two names."""
    return tuple(dict.fromkeys(t.url for t in removed if t.url))
