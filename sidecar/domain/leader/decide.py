"""The leader's decision: ``(what is known of the network, now) -> writes``.

`decide` looks at the whole state and returns the next thing to write, or nothing. It is called again after
every write and every event, so each rule below only has to move the network one step further.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sidecar.domain.leader.requests import handle_requests
from sidecar.domain.membership.join_batching import batch_until
from sidecar.domain.network.context import LeaderContext, publish, urls_of
from sidecar.domain.network.results import ProbeResults
from sidecar.domain.network.snapshot import Network
from sidecar.domain.network.transaction import Term, TransactionBuilder
from sidecar.domain.records.canonical import Canonical, Change, ChangeKind, VersionedServers, why_untrusted
from sidecar.domain.records.membership import Member, Verdict, VerdictKind
from sidecar.domain.records.store import Transaction
from sidecar.domain.rollout.advance import advance_rollout
from sidecar.domain.rollout.assessment import assess
from sidecar.domain.servers import NodeID, ServerUrl
from sidecar.domain.timestamps import format_timestamp

OUTCOME_RETENTION = 300.0
"""Seconds that the answer to an operator's request is kept for the operator to read."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction, and in words what it does."""

    transaction: Transaction
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leader:
    """Who decides. ``initial`` is what to publish where there is nothing; ``trusted`` what was last obeyed.

    ``probe_results`` is what was found at the URLs of newcomers, and ``last_join_at`` when the latest was
    seen: `LeaderContext`.
    """

    term: Term
    initial: VersionedServers | None
    trusted: VersionedServers | None
    probe_results: ProbeResults = field(default_factory=dict)
    last_join_at: float = 0.0

    def why_untrusted(self, canonical: Canonical) -> str | None:
        return why_untrusted(canonical, self.trusted.servers if self.trusted else None)


def decide(network: Network, leader: Leader, now: float) -> Step | None:
    """Return the next write, or None when the network is as it should be. ``now``: seconds, Unix epoch."""
    if network.keys.canonical not in network.listing.entries:
        return _bootstrap(network, leader, now)
    if network.canonical is None or leader.why_untrusted(network.canonical):
        return None  # not to be built upon; `why_idle` says so
    for rule in (handle_requests, _register_members, advance_rollout, _garbage_collect):
        builder = TransactionBuilder(network.keys, network.listing)
        rule(
            LeaderContext(
                network,
                network.canonical,
                leader.term,
                now,
                builder,
                leader.probe_results,
                leader.last_join_at,
            )
        )
        if builder:
            return Step(builder.build(leader.term), tuple(builder.reasons))
    return None


def next_decision_at(network: Network, leader: Leader, now: float) -> float | None:
    """When time alone may give `decide` something to write, in seconds since the epoch."""
    if network.canonical is None:
        return None
    times = (
        batch_until(network, network.canonical, leader.last_join_at, now),
        assess(network, network.canonical, leader.term.node_id, now).next_check_at,
    )
    return min((at for at in times if at is not None), default=None)


def why_idle(network: Network, leader: Leader) -> str | None:
    """Say why the leader does nothing at all, where that is so; for the log and the status."""
    if network.keys.canonical not in network.listing.entries:
        return None if leader.initial else "there is no canonical list, and none of its own to publish"
    if network.canonical is None:
        return "the canonical list cannot be read: " + "; ".join(network.unreadable)
    why = leader.why_untrusted(network.canonical)
    return f"canonical version {network.canonical.version} is not obeyed: {why}" if why else None


def _bootstrap(network: Network, leader: Leader, now: float) -> Step | None:
    if not leader.initial:
        return None
    builder = TransactionBuilder(network.keys, network.listing)
    removed = urls_of(network.tombstones)
    servers = leader.initial.servers.without(removed)
    if not servers:
        return None
    canonical = Canonical(
        servers=servers,
        version=leader.initial.version + 1,
        cause=(Change(ChangeKind.BOOTSTRAP, leader.term.node_id),),
        author=leader.term.node_id,
        term=leader.term.create_revision,
        at=format_timestamp(now),
        removed=removed,
    )
    publish(builder, network, canonical)
    return Step(builder.build(leader.term), tuple(builder.reasons))


def _register_members(context: LeaderContext) -> None:
    """Remember which NodeID stands behind which URL, so that a node can be named while it is away."""
    network, keys, entries = context.network, context.network.keys, context.network.listing.entries
    holders = dict(network.url_holders())
    conflicting = set[NodeID]()
    for node, report in sorted(
        network.reports.items(), key=lambda each: entries[keys.report(each[0])].create_revision
    ):
        not_listed = report.url is not None and report.url not in context.canonical.servers
        if not_listed or network.tombstone_of(node, report.url):
            continue
        if context.full:
            return
        if report.url and holders.setdefault(report.url, node) != node:
            conflicting.add(node)
            _publish_conflict(context, node, report.url, holders[report.url])
            continue
        known = network.members.get(node)
        if known is None or (known.url, known.role) != (report.url, report.role):
            context.builder.put(keys.member(node), Member(node, report.role, report.url, context.at))
    for node, verdict in network.verdicts.items():
        if not _verdict_applies(network, node, verdict, conflicting) and not context.full:
            context.builder.delete(keys.verdict(node))
    # A server that was given another NodeID is one server still: under its old name, `sidecar remove` would
    # take out the new one.
    for node, member in network.members.items():
        if node not in network.reports and member.url in holders and not context.full:
            context.builder.delete(keys.member(node))


def _verdict_applies(network: Network, node: NodeID, verdict: Verdict, conflicting: set[NodeID]) -> bool:
    """Whether what ``node`` was told is still so; a node that is told that it is removed asks no more."""
    known, canonical = network.reports.get(node) or network.members.get(node), network.canonical
    url = known.url if known else None
    match verdict.kind:
        case VerdictKind.CONFLICT:
            return node in conflicting
        case VerdictKind.REMOVED:
            return network.tombstone_of(node, url) is not None
        case _:  # of who asked to be let in
            return url is None or canonical is None or url not in canonical.servers


def _publish_conflict(context: LeaderContext, node: NodeID, url: ServerUrl, holder: NodeID) -> None:
    """Tell ``node`` that the URL in its file is another's, who is alive."""
    last_verdict = context.network.verdicts.get(node)
    reason = f"{url} is the URL of {holder}, which is alive; give this server its own, or stop {holder} first"
    context.builder.delete(context.network.keys.member(node))
    if last_verdict is None or (last_verdict.kind, last_verdict.reason, last_verdict.holder) != (
        VerdictKind.CONFLICT,
        reason,
        holder,
    ):
        verdict = Verdict(VerdictKind.CONFLICT, reason, context.at, holder=holder)
        context.builder.put(context.network.keys.verdict(node), verdict)
        context.builder.reasons.append(f"{node} is turned away: {reason}")


def _garbage_collect(context: LeaderContext) -> None:
    """Drop answers that nobody came for, spent tokens, and members that are not in the list any more."""
    network = context.network
    for name, request in network.requests.items():
        # From the future as well: a clock that was ahead has been set back.
        if request.outcome and not abs(context.now - request.outcome.at) <= OUTCOME_RETENTION:
            context.builder.delete(network.keys.request(name))
        if context.full:
            return
    for name, token in network.tokens.items():
        if token.why_unusable(context.now) and not context.full:
            context.builder.delete(network.keys.token(name))
    for node, member in network.members.items():
        if member.url and member.url not in context.canonical.servers:
            context.builder.delete(network.keys.member(node))
        if context.full:
            return
