"""The next step of a rollout: grants are updated and given; a failure halts it, or rolls it back."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.membership.join_batching import is_batching
from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.transaction import TransactionBuilder
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.policy import OnFailure
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.rollout import BlockKind, Grant, Quarantine, RolloutBlock
from sidecar.domain.rollout.assessment import GrantableNode, RolloutState, assess
from sidecar.domain.rollout.node_progress import Progress
from sidecar.domain.servers import NodeID


def advance_rollout(context: LeaderContext, transaction: TransactionBuilder) -> None:
    """Write what follows from the progress of every node."""
    rollout = assess(context.network, context.canonical, context.leader.term.node_id, context.now)
    _update_grants(context, transaction, rollout)
    _delete_ended_skips(context, transaction, rollout)
    if _roll_back(context, transaction, rollout):
        return
    _publish_block(context, transaction, rollout)
    if rollout.all_healthy:
        transaction.put(context.network.keys.last_healthy, context.canonical)
        _lift_quarantine(context, transaction)
    _grant_restarts(context, transaction, rollout)


def _lift_quarantine(context: LeaderContext, transaction: TransactionBuilder) -> None:
    """A list on which every node is healthy is a good one, whatever failed on it before."""
    for each in context.network.rollout.quarantines:
        if each.servers == context.canonical.servers and not transaction.full:
            transaction.delete(context.network.keys.quarantine(each.version))


def _update_grants(context: LeaderContext, transaction: TransactionBuilder, rollout: RolloutState) -> None:
    """Delete the grants that are over, and record how the others progress."""
    progress_of = {node.node_id: node for node in rollout.nodes}
    for node, grant in context.network.rollout.grants.items():
        next_grant = progress_of[node].next_grant if node in progress_of else None
        if transaction.full:
            return
        if next_grant is None:
            transaction.delete(context.network.keys.grant(node))
            if grant.already_unavailable and node in progress_of:
                _record_restarts(context, transaction, node, progress_of[node].restart_times)
        elif next_grant != grant:
            transaction.put(context.network.keys.grant(node), next_grant)
            if next_grant.failed and not grant.failed:
                transaction.reasons.append(f"{node} {next_grant.failed}")


def _delete_ended_skips(
    context: LeaderContext, transaction: TransactionBuilder, rollout: RolloutState
) -> None:
    """A skip ends when its node is in step, or has to follow a newer list."""
    skipped = {node.node_id for node in rollout.nodes if node.progress is Progress.SKIPPED}
    for node in context.network.rollout.skips:
        if node not in skipped and not transaction.full:
            transaction.delete(context.network.keys.skip(node))


def _roll_back(context: LeaderContext, transaction: TransactionBuilder, rollout: RolloutState) -> bool:
    """Return to the last list on which every node was healthy, if the policy asks for it."""
    network, canonical, good = context.network, context.canonical, context.network.rollout.last_healthy
    if rollout.paused or rollout.policy.on_failure is not OnFailure.ROLLBACK or transaction.full:
        return False
    failed = [
        node for node in rollout.failed if node.next_grant and node.next_grant.version == canonical.version
    ]
    if not failed or good is None or good.servers == canonical.servers:
        return False
    if network.rollout.quarantine_of(good.servers) or not any(
        url in canonical.servers for url in good.servers
    ):
        return False  # a list without one server that runs is no way back
    reason = "; ".join(f"{node.node_id} {node.reason}" for node in failed)
    quarantine = Quarantine(canonical.version, canonical.servers, reason, context.at)
    transaction.put(network.keys.quarantine(canonical.version), quarantine)
    request = _rollback_request(context, good, reason)
    transaction.put(network.keys.request(f"rollback-{canonical.version}"), request)
    transaction.reasons.append(f"version {canonical.version} will be rolled back: {reason}")
    return True


def _rollback_request(context: LeaderContext, target: Canonical, reason: str) -> Request:
    """The request that an operator would make: it may take several versions, and outlasts this leader."""
    return Request(
        kind=RequestKind.ROLLBACK,
        subject=str(target.version),
        by=context.leader.term.node_id,
        at=context.now,
        attempt="",
        reason=reason,
        servers=target.servers.urls,
    )


def _publish_block(context: LeaderContext, transaction: TransactionBuilder, rollout: RolloutState) -> None:
    """Publish to every node what blocks the rollout; a pause stays until an operator ends it."""
    key, published = context.network.keys.rollout_block, context.network.rollout.block
    if rollout.paused:
        return
    kind, why = BlockKind.HALTED, rollout.halt_reason
    if not why:
        kind, why = BlockKind.WAITING, rollout.long_term_blockers()
    block = why and RolloutBlock(kind, rollout.version, why, context.at)
    if not block:
        transaction.delete(key)
    elif published is None or replace(published, at=block.at, by="") != block:
        transaction.put(key, block)
        transaction.reasons.append(f"the rollout to version {rollout.version} is {kind.value}: {why}")


def _grant_restarts(context: LeaderContext, transaction: TransactionBuilder, rollout: RolloutState) -> None:
    """Grant a restart to each node that may restart now."""
    # While newcomers are batched, only to nodes that are unavailable anyway: others would restart twice.
    batching = is_batching(context)
    for grantable in rollout.grantable():
        if transaction.full:
            return
        if grantable.already_unavailable or not batching:
            _grant(context, transaction, grantable)


def _grant(context: LeaderContext, transaction: TransactionBuilder, grantable: GrantableNode) -> None:
    node, version = grantable.node, context.canonical.version
    term = context.leader.term.create_revision
    grant = Grant(version, term, context.now, already_unavailable=grantable.already_unavailable)
    transaction.put(context.network.keys.grant(node.node_id), grant)
    _record_restarts(context, transaction, node.node_id, (*node.restart_times, context.now))
    transaction.reasons.append(f"{node.node_id} may restart into version {version}")


def _record_restarts(
    context: LeaderContext, transaction: TransactionBuilder, node: NodeID, times: tuple[float, ...]
) -> None:
    member = context.network.membership.members.get(node)
    if member:
        transaction.put(context.network.keys.member(node), replace(member, restart_times=times))
