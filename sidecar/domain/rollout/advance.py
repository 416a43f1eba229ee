"""Conducting a rollout: taking turns back and giving them, halting, and rolling back."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.membership.join_batching import is_batching
from sidecar.domain.network.context import LeaderContext
from sidecar.domain.records.policy import OnFailure
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.rollout import BlockKind, Grant, Quarantine, RolloutBlock
from sidecar.domain.rollout.assessment import RolloutState, assess
from sidecar.domain.rollout.node_progress import NodeProgress, Progress
from sidecar.domain.servers import NodeID


def advance_rollout(context: LeaderContext) -> None:
    """Write what follows from where every node stands."""
    rollout = assess(context.network, context.canonical, context.term.node_id, context.now)
    _update_grants(context, rollout)
    _update_exemptions(context, rollout)
    if _roll_back(context, rollout):
        return
    _publish_block(context, rollout)
    if rollout.all_healthy:
        context.builder.put(context.network.keys.last_healthy, context.canonical)
        _lift_quarantine(context)
    # Who restarts now would do so once more for those who are about to be let in.
    batching = is_batching(context)
    for node_progress, already_unavailable in rollout.grantable():
        if context.full:
            return
        if already_unavailable or not batching:
            _grant(context, node_progress, already_unavailable=already_unavailable)


def _lift_quarantine(context: LeaderContext) -> None:
    """A list that everybody is healthy on is a good one, whatever failed on it once."""
    for each in context.network.quarantines:
        if each.servers == context.canonical.servers and not context.full:
            context.builder.delete(context.network.keys.quarantine(each.version))


def _update_grants(context: LeaderContext, rollout: RolloutState) -> None:
    """Take back the turns that are over, note how the others go."""
    progress_of = {node_progress.node_id: node_progress for node_progress in rollout.nodes}
    for node, grant in context.network.grants.items():
        next_grant = progress_of[node].next_grant if node in progress_of else None
        if context.full:
            return
        if next_grant is None:
            context.builder.delete(context.network.keys.grant(node))
            if grant.already_unavailable and node in progress_of:
                _record_restart(context, node, progress_of[node].restart_times)
        elif next_grant != grant:
            context.builder.put(context.network.keys.grant(node), next_grant)
            if next_grant.failed and not grant.failed:
                context.builder.reasons.append(f"{node} {next_grant.failed}")


def _update_exemptions(context: LeaderContext, rollout: RolloutState) -> None:
    """A skip is over when its node is in step, or has to follow a newer list."""
    skipped = {
        node_progress.node_id for node_progress in rollout.nodes if node_progress.progress is Progress.SKIPPED
    }
    for node in context.network.skips:
        if node not in skipped and not context.full:
            context.builder.delete(context.network.keys.skip(node))


def _roll_back(context: LeaderContext, rollout: RolloutState) -> bool:
    """Go back to the last list that every node was healthy on, where the policy wants that of a failure."""
    network, canonical, good = context.network, context.canonical, context.network.last_healthy
    if rollout.paused or rollout.policy.on_failure is not OnFailure.ROLLBACK:
        return False
    failed = [
        node_progress
        for node_progress in rollout.failed
        if node_progress.next_grant and node_progress.next_grant.version == canonical.version
    ]
    if not failed or good is None or good.servers == canonical.servers or context.full:
        return False
    if network.quarantine_of(good.servers) or not any(url in canonical.servers for url in good.servers):
        return False  # what would leave nobody who runs is no way back
    reason, keys = (
        "; ".join(f"{node_progress.node_id} {node_progress.reason}" for node_progress in failed),
        network.keys,
    )
    quarantine = Quarantine(canonical.version, canonical.servers, reason, context.at)
    # Asked as an operator would ask it: it may take several versions, and the next leader goes on with it.
    request = Request(
        kind=RequestKind.ROLLBACK,
        subject=str(good.version),
        by=context.term.node_id,
        at=context.now,
        attempt="",
        reason=reason,
        servers=good.servers.urls,
    )
    context.builder.put(keys.quarantine(canonical.version), quarantine)
    context.builder.put(keys.request(f"rollback-{canonical.version}"), request)
    context.builder.reasons.append(f"version {canonical.version} is to be rolled back: {reason}")
    return True


def _publish_block(context: LeaderContext, rollout: RolloutState) -> None:
    """Every node is told of a halt; a pause stays until an operator ends it."""
    key, published = context.network.keys.rollout_block, context.network.rollout_block
    if rollout.paused:
        return
    kind, why = (
        (BlockKind.HALTED, rollout.halt_reason)
        if rollout.halt_reason
        else (BlockKind.WAITING, rollout.long_term_blockers())
    )
    if why is None:
        context.builder.delete(key)
    elif published is None or (published.kind, published.reason, published.version) != (
        kind,
        why,
        rollout.version,
    ):
        context.builder.put(key, RolloutBlock(kind, rollout.version, why, context.at))
        context.builder.reasons.append(f"the rollout to version {rollout.version} is {kind.value}: {why}")


def _grant(context: LeaderContext, node_progress: NodeProgress, *, already_unavailable: bool) -> None:
    keys, version, node = context.network.keys, context.canonical.version, node_progress.node_id
    context.builder.put(
        keys.grant(node),
        Grant(version, context.term.create_revision, context.now, already_unavailable=already_unavailable),
    )
    _record_restart(context, node, (*node_progress.restart_times, context.now))
    context.builder.reasons.append(f"{node} may restart into version {version}")


def _record_restart(context: LeaderContext, node: NodeID, restart_times: tuple[float, ...]) -> None:
    member = context.network.members.get(node)
    if member:
        context.builder.put(context.network.keys.member(node), replace(member, restart_times=restart_times))
