"""The progress of one node in the rollout: rules in order, the first that applies says what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from sidecar.domain.identity import Role
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.membership import Member
from sidecar.domain.records.rollout import Grant
from sidecar.domain.rollout.node_facts import NodeFacts, collect_facts, is_back
from sidecar.domain.rollout.node_failures import describe_report, find_failure
from sidecar.domain.servers import NodeID


class Progress(StrEnum):
    """How far one node is."""

    DONE = "done"
    """It serves on the newest list."""
    WAITING = "waiting"
    """It serves on an older list, and needs a grant to restart."""
    RESTARTING = "restarting"
    """It has a grant, and does not serve on the new list yet."""
    SETTLING = "settling"
    """It serves on the new list, for less time than the policy asks for."""
    FAILED = "failed"
    """It did not come back from its restart, or was restarted too often."""
    DOWN = "down"
    """Away or not healthy, for no reason of the rollout."""
    PAUSED = "paused"
    SKIPPED = "skipped"


UNFINISHED = (Progress.WAITING, Progress.RESTARTING, Progress.SETTLING)


@dataclass(frozen=True, slots=True)
class NodeProgress:
    """One node in the rollout.

    ``available``: it serves, or an operator said not to count it. ``wants_grant``: it waits for permission
    to restart. ``next_grant`` is what its grant should be now; None where the grant is over, or never was.
    ``next_check_at`` is when time alone changes something about it, and ``restart_times`` are those that
    its budget counts, both in seconds since the epoch.
    """

    node_id: NodeID
    role: Role
    progress: Progress
    reason: str
    available: bool
    wants_grant: bool = False
    grant: Grant | None = None
    next_grant: Grant | None = None
    next_check_at: float | None = None
    away: bool = False
    restart_times: tuple[float, ...] = ()


def assess_node(member: Member, network: Network, canonical: Canonical, now: float) -> NodeProgress:
    """The progress of ``member`` in the rollout of ``canonical``. ``now``: seconds since the epoch."""
    facts = collect_facts(member, network, canonical, now)
    return next(progress for rule in RULES if (progress := rule(facts)))


def _settling(facts: NodeFacts) -> NodeProgress | None:
    """Back from its restart, but not for as long as the policy asks for."""
    grant, report = facts.grant, facts.report
    if grant is None or report is None or not is_back(grant, report, facts.newest):
        return None
    since = facts.now
    if grant.healthy_since is not None and grant.health_epoch == report.health_epoch:
        since = min(facts.now, grant.healthy_since)  # the clock of the leader before may have been ahead
    if facts.now >= since + facts.policy.min_ready:
        return None
    return _progress(
        facts,
        Progress.SETTLING,
        f"is healthy on version {grant.version}, but not yet for {facts.policy.min_ready:g} s",
        available=False,
        next_grant=replace(grant, healthy_since=since, health_epoch=report.health_epoch, failed=""),
        next_check_at=since + facts.policy.min_ready,
    )


def _done(facts: NodeFacts) -> NodeProgress | None:
    """It serves on the newest list."""
    if facts.report is None or not facts.serves or facts.report.loaded_version < facts.newest:
        return None
    return _progress(facts, Progress.DONE, "in step", available=True)


def _skipped(facts: NodeFacts) -> NodeProgress | None:
    """An operator said that the rollout continues without it; a newer list ends that once it serves."""
    skip = facts.skip
    if skip is None or (skip.version < facts.newest and facts.serves):
        return None
    reason = f"is skipped by {skip.by}"
    return _progress(facts, Progress.SKIPPED, reason, available=True, next_grant=facts.open_grant)


def _failed_on_older_list(facts: NodeFacts) -> NodeProgress | None:
    """What it failed on is no longer the list: it counts as any node that is down."""
    grant = _grant_of_serving_node(facts)
    if grant is None or not grant.failed or grant.version >= facts.newest:
        return None
    if facts.pause:
        return _paused(facts, serves=False)
    return _progress(facts, Progress.DOWN, grant.failed, available=False, next_grant=grant)


def _failed(facts: NodeFacts) -> NodeProgress | None:
    """It was granted a restart, and did not come back."""
    grant = _grant_of_serving_node(facts)
    failure = grant and (grant.failed or find_failure(facts, grant))
    if grant is None or not failure:
        return None
    # Whatever it was granted, it restarted into the newest list.
    grant = replace(
        grant,
        version=max(grant.version, facts.newest),
        granted_at=facts.granted_at(grant),
        healthy_since=None,
        failed=failure,
    )
    return _progress(facts, Progress.FAILED, failure, available=False, next_grant=grant)


def _restarting(facts: NodeFacts) -> NodeProgress | None:
    """It served when it was granted this restart, and is not back yet."""
    grant = _grant_of_serving_node(facts)
    if grant is None:
        return None
    since = facts.granted_at(grant)
    # A node that has not seen its grant yet still reports why it waits.
    reason = "is about to restart" if facts.wants_grant else describe_report(facts.report)
    return _progress(
        facts,
        Progress.RESTARTING,
        reason,
        available=False,
        next_grant=replace(grant, granted_at=since, healthy_since=None),
        next_check_at=since + facts.policy.timeout,
    )


def _paused_by_operator(facts: NodeFacts) -> NodeProgress | None:
    return _paused(facts, serves=facts.serves) if facts.pause else None


def _over_budget(facts: NodeFacts) -> NodeProgress | None:
    """It wants to restart, and was restarted too often."""
    budget, times = facts.policy.budget, facts.restart_times
    if not (facts.serves and facts.wants_grant) or len(times) < budget.restarts:
        return None
    return _progress(
        facts,
        Progress.FAILED,
        f"was restarted {budget.restarts} times within {budget.within:g} s",
        available=True,
        next_check_at=times[-budget.restarts] + budget.within,
    )


def _waiting(facts: NodeFacts) -> NodeProgress | None:
    """It serves on an older list."""
    report = facts.report
    if report is None or not facts.serves:
        return None
    reason = f"runs on version {report.loaded_version}"
    if not facts.wants_grant and report.reason:
        reason += f" and has not requested a restart: {report.reason}"
    return _progress(facts, Progress.WAITING, reason, available=True)


def _down(facts: NodeFacts) -> NodeProgress:
    reason = describe_report(facts.report)
    return _progress(facts, Progress.DOWN, reason, available=False, next_grant=facts.open_grant)


RULES: tuple[Callable[[NodeFacts], NodeProgress | None], ...] = (
    _settling,
    _done,
    _skipped,
    _failed_on_older_list,
    _failed,
    _restarting,
    _paused_by_operator,
    _over_budget,
    _waiting,
    _down,
)
"""In this order; each returns None where it does not apply, and the last one always applies."""


def _grant_of_serving_node(facts: NodeFacts) -> Grant | None:
    """The open grant of a node that served when it was granted, and so counts as unavailable."""
    grant = facts.open_grant
    return None if grant and grant.already_unavailable else grant


def _paused(facts: NodeFacts, *, serves: bool) -> NodeProgress:
    """A paused node; one that does not serve counts as any other that does not, so its state is named."""
    by = facts.pause.by if facts.pause else ""
    reason = f"is paused by {by}" + ("" if serves else f", and {describe_report(facts.report)}")
    return _progress(facts, Progress.PAUSED, reason, available=serves, next_grant=facts.open_grant)


def _progress(
    facts: NodeFacts,
    progress: Progress,
    reason: str,
    *,
    available: bool,
    next_grant: Grant | None = None,
    next_check_at: float | None = None,
) -> NodeProgress:
    is_left_out = progress in (Progress.PAUSED, Progress.SKIPPED)
    return NodeProgress(
        node_id=facts.member.node_id,
        role=facts.member.role,
        progress=progress,
        reason=reason,
        available=available,
        wants_grant=facts.wants_grant and not is_left_out,
        grant=facts.grant,
        next_grant=next_grant,
        next_check_at=next_check_at,
        away=facts.report is None,
        restart_times=facts.restart_times,
    )
