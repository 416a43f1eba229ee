"""The leader's decision: ``(leader, network, now) -> the next transaction``.

`decide` returns the next thing to write, or None. It is called again after every write and every event, so
each rule only has to move the network one step further.
"""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.domain.leader.requests import handle_requests
from sidecar.domain.membership.cleanup import delete_expired_records
from sidecar.domain.membership.join_batching import batch_until
from sidecar.domain.membership.registry import register_members
from sidecar.domain.network.context import Leader, LeaderContext
from sidecar.domain.network.publication import publish, urls_of
from sidecar.domain.network.snapshot import Network
from sidecar.domain.network.transaction import TransactionBuilder
from sidecar.domain.records.canonical import Canonical, Change, ChangeKind
from sidecar.domain.records.store import Transaction
from sidecar.domain.rollout.advance import advance_rollout
from sidecar.domain.rollout.assessment import assess
from sidecar.domain.timestamps import format_timestamp

RULES = (handle_requests, register_members, advance_rollout, delete_expired_records)
"""In this order: the first that has something to write makes the transaction."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction, and the reasons for it, for the log."""

    transaction: Transaction
    reasons: tuple[str, ...]


def decide(network: Network, leader: Leader, now: float) -> Step | None:
    """Return the next write, or None when the network is as it should be. ``now``: seconds, Unix epoch."""
    if network.unknown_formats:
        return None  # a decision would forget, or write over, what another version wrote
    canonical, transaction = network.canonical, TransactionBuilder(network.keys, network.listing)
    if network.keys.canonical not in network.listing.entries:
        _bootstrap(network, leader, transaction, now)
    elif canonical is None or leader.why_untrusted(canonical):
        return None  # no list to build on; `why_idle` says why
    else:
        context = LeaderContext(network, canonical, canonical.servers, leader, now)
        for rule in RULES:
            transaction = TransactionBuilder(network.keys, network.listing)
            rule(context, transaction)
            if transaction:
                break
    return Step(transaction.build(leader.term), tuple(transaction.reasons)) if transaction else None


def next_decision_at(network: Network, leader: Leader, now: float) -> float | None:
    """When time alone may give `decide` something to write, in seconds since the epoch."""
    if network.canonical is None or network.unknown_formats:
        return None
    times = (
        batch_until(network, network.canonical, leader.last_join_at, now),
        assess(network, network.canonical, leader.term.node_id, now).next_check_at,
    )
    return min((at for at in times if at is not None), default=None)


def why_idle(network: Network, leader: Leader) -> str | None:
    """Why the leader cannot act at all, for the log; None while it can."""
    if network.unknown_formats:
        return "another version of the sidecar wrote what this one cannot read: " + "; ".join(
            network.unknown_formats
        )
    if network.keys.canonical not in network.listing.entries:
        return (
            None if leader.bootstrap_list else "there is no canonical list, and this node has none to publish"
        )
    if network.canonical is None:
        return "the canonical list cannot be read: " + "; ".join(network.unreadable)
    why = leader.why_untrusted(network.canonical)
    return f"canonical version {network.canonical.version} is not obeyed: {why}" if why else None


def _bootstrap(network: Network, leader: Leader, transaction: TransactionBuilder, now: float) -> None:
    """Publish the first version: the list of the leader's own file, without the servers that were removed."""
    removed = urls_of(network.membership.tombstones)
    servers = leader.bootstrap_list.servers.without(removed) if leader.bootstrap_list else None
    if not leader.bootstrap_list or not servers:
        return
    canonical = Canonical(
        servers=servers,
        version=leader.bootstrap_list.version + 1,
        cause=(Change(ChangeKind.BOOTSTRAP, leader.term.node_id),),
        author=leader.term.node_id,
        term=leader.term.create_revision,
        at=format_timestamp(now),
        removed=removed,
    )
    publish(canonical, network, transaction)
