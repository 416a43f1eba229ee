"""Which NodeID is behind which URL: the members, and the verdicts on nodes that claim what is taken."""

from __future__ import annotations

from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.snapshot import Network
from sidecar.domain.network.transaction import TransactionBuilder
from sidecar.domain.records.membership import Member, Verdict, VerdictKind
from sidecar.domain.records.report import Report
from sidecar.domain.servers import NodeID, ServerUrl


def register_members(context: LeaderContext, transaction: TransactionBuilder) -> None:
    """Record the NodeID behind each URL, so that a node can be named while it is away."""
    conflicting = _register_reporting_nodes(context, transaction)
    if transaction.full:
        return
    network, keys = context.network, context.network.keys
    for node, verdict in network.membership.verdicts.items():
        if not _verdict_applies(network, node, verdict, conflicting) and not transaction.full:
            transaction.delete(keys.verdict(node))
    # A server that was given another NodeID is still one server: by its old name, `sidecar remove` would
    # remove the new one.
    holders = network.url_holders()
    for node, member in network.membership.members.items():
        if node not in network.reports and member.url in holders and not transaction.full:
            transaction.delete(keys.member(node))


def _register_reporting_nodes(context: LeaderContext, transaction: TransactionBuilder) -> set[NodeID]:
    """Record the nodes that report, and return those whose URL belongs to another node that is alive."""
    network = context.network
    holders, conflicting = dict(network.url_holders()), set[NodeID]()
    for node, report in _oldest_first(network):
        not_listed = report.url is not None and report.url not in context.canonical.servers
        if not_listed or network.membership.tombstone_of(node, report.url):
            continue
        if transaction.full:
            break
        if report.url and holders.setdefault(report.url, node) != node:
            conflicting.add(node)
            _publish_conflict(context, transaction, node, report.url, holders[report.url])
            continue
        member = network.membership.members.get(node)
        if member is None or (member.url, member.role) != (report.url, report.role):
            registered = Member(node, report.role, report.url, context.at)
            transaction.put(network.keys.member(node), registered)
    return conflicting


def _oldest_first(network: Network) -> list[tuple[NodeID, Report]]:
    entries, keys = network.listing.entries, network.keys
    return sorted(network.reports.items(), key=lambda each: entries[keys.report(each[0])].create_revision)


def _verdict_applies(network: Network, node: NodeID, verdict: Verdict, conflicting: set[NodeID]) -> bool:
    """Whether the verdict on ``node`` still holds; a node that reads that it is removed asks no more."""
    record = network.reports.get(node) or network.membership.members.get(node)
    url, canonical = record.url if record else None, network.canonical
    match verdict.kind:
        case VerdictKind.CONFLICT:
            return node in conflicting
        case VerdictKind.REMOVED:
            return network.membership.tombstone_of(node, url) is not None
        case _:  # the answer to a join
            return url is None or canonical is None or url not in canonical.servers


def _publish_conflict(
    context: LeaderContext, transaction: TransactionBuilder, node: NodeID, url: ServerUrl, holder: NodeID
) -> None:
    """Report to ``node`` that the URL in its file belongs to ``holder``, which is alive."""
    network = context.network
    last = network.membership.verdicts.get(node)
    reason = f"{url} is the URL of {holder}, which is alive; give this server its own, or stop {holder} first"
    transaction.delete(network.keys.member(node))
    if last is None or (last.kind, last.reason, last.holder) != (VerdictKind.CONFLICT, reason, holder):
        verdict = Verdict(VerdictKind.CONFLICT, reason, context.at, holder=holder)
        transaction.put(network.keys.verdict(node), verdict)
        transaction.reasons.append(f"{node} is refused: {reason}")
