"""Operators' requests about a rollout: pause or resume it or one node, skip a node, retry a node."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.results import RequestResult, accept, reject
from sidecar.domain.network.snapshot import RolloutRecords
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member
from sidecar.domain.records.requests import Request
from sidecar.domain.records.rollout import BlockKind, Exemption, RolloutBlock
from sidecar.domain.servers import NodeID


def pause(context: LeaderContext, request: Request) -> RequestResult:
    """Grant no more restarts; with a subject, none to that node."""
    network, keys = context.network, context.network.keys
    why = f": {request.reason}" if request.reason else ""
    if not request.subject:
        block = network.rollout.block
        if block and block.kind is BlockKind.PAUSED:
            return accept(context, f"the rollout is already paused, by {block.by} at {block.at}")
        reason = f"{request.by} paused it{why}"
        rollout_block = RolloutBlock(
            BlockKind.PAUSED, context.canonical.version, reason, context.at, request.by
        )
        # A resume of the same batch, right after this pause, must not be refused.
        after = _with_rollout(context, replace(network.rollout, block=rollout_block))
        reason = "the rollout is paused; `sidecar rollout resume` continues it"
        return accept(after, reason, {keys.rollout_block: rollout_block})
    member = _member(context, request.subject)
    if member is None:
        return _unknown_node(context, request.subject)
    exemption = Exemption(context.canonical.version, context.at, request.by, request.reason)
    reason = f"{member.node_id} is kept out of rollouts until `sidecar resume {member.node_id}`"
    after = _with_rollout(
        context, replace(network.rollout, pauses={**network.rollout.pauses, member.node_id: exemption})
    )
    return accept(after, reason, {keys.pause(member.node_id): exemption})


def resume(context: LeaderContext, request: Request) -> RequestResult:
    """End a pause."""
    network, keys = context.network, context.network.keys
    if not request.subject:
        if network.rollout.block is None or network.rollout.block.kind is not BlockKind.PAUSED:
            return reject(context, "the rollout is not paused; see `sidecar rollout status`")
        after = _with_rollout(context, replace(network.rollout, block=None))
        return accept(after, "the rollout continues", {keys.rollout_block: None})
    member = _member(context, request.subject)
    node = member.node_id if member else NodeID(request.subject)  # a pause may outlast its node's membership
    if node not in network.rollout.pauses:
        return reject(context, f"{node} is not paused") if member else _unknown_node(context, request.subject)
    pauses = {name: pause for name, pause in network.rollout.pauses.items() if name != node}
    reason = f"{node} takes part in rollouts again"
    after = _with_rollout(context, replace(network.rollout, pauses=pauses))
    return accept(after, reason, {keys.pause(node): None})


def skip(context: LeaderContext, request: Request) -> RequestResult:
    """Continue without a node: it blocks no other, and is not counted."""
    member = _member(context, request.subject)
    if member is None:
        return _unknown_node(context, request.subject)
    exemption = Exemption(context.canonical.version, context.at, request.by, request.reason)
    reason = f"the rollout to version {context.canonical.version} continues without {member.node_id}"
    return accept(context, reason, {context.network.keys.skip(member.node_id): exemption})


def retry(context: LeaderContext, request: Request) -> RequestResult:
    """Grant a node another restart: earlier failures and restarts no longer count."""
    network, keys = context.network, context.network.keys
    member = _member(context, request.subject)
    if member is None:
        return _unknown_node(context, request.subject)
    node, grant = member.node_id, network.rollout.grants.get(member.node_id)
    writes: dict[str, Record | None] = {
        keys.skip(node): None,
        keys.member(node): replace(member, restart_times=()),
    }
    if grant:
        report = network.reports.get(node)
        writes[keys.grant(node)] = replace(
            grant,
            version=context.canonical.version,
            granted_at=context.now,
            healthy_since=None,
            failed="",
            ignore_failure_at=report.since if report else -1.0,
            ignore_failed_starts=report.failed_starts if report else 0,
        )
    return accept(context, f"{node} is given another try", writes)


def _with_rollout(context: LeaderContext, records: RolloutRecords) -> LeaderContext:
    return context.with_network(replace(context.network, rollout=records))


def _member(context: LeaderContext, subject: str) -> Member | None:
    named = context.network.member_named(subject)
    members = {member.node_id: member for member in context.network.members_of(context.canonical)}
    return members.get(named.node_id) if named else None


def _unknown_node(context: LeaderContext, subject: str) -> RequestResult:
    return reject(context, f"no member of this network is called {subject}; see `sidecar members`")
