"""Where one node stands in the rollout, from all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from sidecar.domain.identity import Role
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import RolloutPolicy
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.rollout import Grant
from sidecar.domain.servers import NodeID


class Progress(StrEnum):
    """How far one node is."""

    DONE = "done"
    """Healthy on the newest list."""
    WAITING = "waiting"
    """Healthy on an older one, until it is its turn."""
    RESTARTING = "restarting"
    """It has its turn, and is not back yet."""
    SETTLING = "settling"
    """Back, and healthy for less time than the policy wants."""
    FAILED = "failed"
    """It did not come back from its turn, or was restarted too often."""
    DOWN = "down"
    """Missing or not healthy, whatever the rollout does."""
    PAUSED = "paused"
    SKIPPED = "skipped"


_FAILURES = {Phase.CRASHED: "died", Phase.RESTART_FAILED: "could not be restarted"}
UNFINISHED = (Progress.WAITING, Progress.RESTARTING, Progress.SETTLING)


@dataclass(frozen=True, slots=True)
class NodeProgress:
    """One node in the rollout.

    ``available``: it serves, or an operator said not to count it. ``wants_grant``: it waits for leave to
    restart. ``next_grant`` is what its grant should be now; None where its turn is over, or never was.
    ``next_decision_at`` is when time alone changes something about it, and ``restart_times`` are those that
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
    missing: bool = False
    restart_times: tuple[float, ...] = ()


def assess_node(member: Member, network: Network, canonical: Canonical, now: float) -> NodeProgress:
    """Where ``member`` stands in the rollout of ``canonical``. ``now``: seconds since the epoch."""
    return _Assessor(network, canonical, network.policy.rollout, member, now).assess()


@dataclass(frozen=True, slots=True)
class _Assessor:
    """What is known of one node, and what follows from it."""

    network: Network
    canonical: Canonical
    policy: RolloutPolicy
    member: Member
    now: float

    @property
    def report(self) -> Report | None:
        return self.network.reports.get(self.member.node_id)

    @property
    def grant(self) -> Grant | None:
        return self.network.rollout.grants.get(self.member.node_id)

    @property
    def restart_times(self) -> tuple[float, ...]:
        """Those that its budget counts. One from the future, by a clock that was set back, is none.

        Nor is a free turn that the node served again before it used.
        """
        grant, report = self.grant, self.report
        unused = (
            grant
            and grant.already_unavailable
            and report
            and is_serving(report)
            and report.loaded_version < grant.version
        )
        taken_back = grant.granted_at if grant and unused else None
        since = self.now - self.policy.budget.within
        return tuple(at for at in self.member.restart_times if since < at <= self.now and at != taken_back)

    def assess(self) -> NodeProgress:
        grant, report = self.grant, self.report
        if grant and report and turn_is_over(grant, report, self.canonical):
            since = self._known_healthy_since(grant, report)
            if self.now < since + self.policy.min_ready:
                return self._settling(grant, report, since)
            grant = None
        serves = report is not None and is_serving(report)
        if report and serves and not grant and report.loaded_version >= self.canonical.version:
            return self._result(Progress.DONE, "in step", available=True)
        if grant and grant.already_unavailable and serves:
            grant = None  # it serves, and so does not use it: `node.decide`
        return (
            self._skipped(grant, serves=serves)
            or (self._in_turn(grant) if grant and not grant.already_unavailable else None)
            or self._paused(grant, serves=serves)
            or (self._waiting(report) if report and serves else None)
            or self._result(Progress.DOWN, describe_report(report), available=False, next_grant=grant)
        )

    def _skipped(self, grant: Grant | None, *, serves: bool) -> NodeProgress | None:
        skip = self.network.rollout.skips.get(self.member.node_id)
        if skip is None or (skip.version < self.canonical.version and serves):
            return None
        return self._result(Progress.SKIPPED, f"is skipped by {skip.by}", available=True, next_grant=grant)

    def _paused(self, grant: Grant | None, *, serves: bool) -> NodeProgress | None:
        pause = self.network.rollout.pauses.get(self.member.node_id)
        if pause is None:
            return None
        # It counts as anybody who is out of service, so it is said that it is.
        reason = f"is paused by {pause.by}" + ("" if serves else f", and {describe_report(self.report)}")
        return self._result(Progress.PAUSED, reason, available=serves, next_grant=grant)

    def _known_healthy_since(self, grant: Grant, report: Report) -> float:
        """Since when it is known to be healthy without a break, by this leader or by those before."""
        if grant.healthy_since is None or grant.health_epoch != report.health_epoch:
            return self.now
        return min(self.now, grant.healthy_since)  # the clock of the leader before may have been ahead

    def _settling(self, grant: Grant, report: Report, since: float) -> NodeProgress:
        return self._result(
            Progress.SETTLING,
            f"is healthy on version {grant.version}, and has to be so for {self.policy.min_ready:g} s",
            available=False,
            next_grant=replace(grant, healthy_since=since, health_epoch=report.health_epoch, failed=""),
            next_check_at=since + self.policy.min_ready,
        )

    def _in_turn(self, grant: Grant) -> NodeProgress:
        """It was in service when it got this turn, and is not back yet."""
        newest = self.canonical.version
        if grant.failed and grant.version < newest:
            # What it failed on is the list no more; it counts as anybody who is out of service.
            paused = self._paused(grant, serves=False)
            return paused or self._result(Progress.DOWN, grant.failed, available=False, next_grant=grant)
        # The clock of the leader before may have been ahead.
        since = min(grant.granted_at, self.now)
        next_grant = replace(grant, granted_at=since, healthy_since=None)
        failure = grant.failed or self._failure(next_grant)
        if failure:
            # Whatever it was granted, it went for the newest list.
            next_grant = replace(next_grant, failed=failure, version=max(grant.version, newest))
            return self._result(Progress.FAILED, failure, available=False, next_grant=next_grant)
        ends = since + self.policy.timeout
        # What it said before it had its turn, why it waits, is not so any more.
        wants_grant = self.report is not None and _wants_grant(self.report)
        reason = "is about to restart" if wants_grant else describe_report(self.report)
        return self._result(
            Progress.RESTARTING, reason, available=False, next_grant=next_grant, next_check_at=ends
        )

    def _failure(self, grant: Grant) -> str:
        report = self.report
        if report and report.since != grant.ignore_failure_at and report.phase in _FAILURES:
            return f"{_FAILURES[report.phase]}: {report.reason}"
        # What came to nothing on an older list says nothing of the one granted.
        loaded = report is not None and report.loaded_version >= min(grant.version, self.canonical.version)
        if report and report.failed_starts > grant.ignore_failed_starts and loaded and not report.healthy:
            return f"did not become healthy: {report.reason}"
        if self.now >= grant.granted_at + self.policy.timeout:
            limit = f"{self.policy.timeout:g} s"
            return f"is not healthy on version {grant.version} within {limit}: {describe_report(report)}"
        return ""

    def _waiting(self, report: Report) -> NodeProgress:
        budget, restart_times = self.policy.budget, self.restart_times
        if len(restart_times) >= budget.restarts and _wants_grant(report):
            spent_until = restart_times[-budget.restarts] + budget.within
            reason = f"was restarted {budget.restarts} times within {budget.within:g} s"
            return self._result(Progress.FAILED, reason, available=True, next_check_at=spent_until)
        reason = f"runs on version {report.loaded_version}"
        if not _wants_grant(report) and report.reason:
            reason += f", and does not ask for a turn: {report.reason}"
        return self._result(Progress.WAITING, reason, available=True)

    def _result(
        self,
        progress: Progress,
        reason: str,
        *,
        available: bool,
        next_grant: Grant | None = None,
        next_check_at: float | None = None,
    ) -> NodeProgress:
        node, wants_grant = self.member, self.report is not None and _wants_grant(self.report)
        wants_grant = wants_grant and progress not in (Progress.PAUSED, Progress.SKIPPED)
        return NodeProgress(
            *(node.node_id, node.role, progress, reason, available),
            wants_grant=wants_grant,
            grant=self.grant,
            next_grant=next_grant,
            next_check_at=next_check_at,
            missing=self.report is None,
            restart_times=self.restart_times,
        )


def is_serving(report: Report) -> bool:
    """Whether the node serves: its process runs and is healthy."""
    return report.healthy and report.phase in (Phase.RUNNING, Phase.RESTART_PENDING)


def turn_is_over(grant: Grant, report: Report | None, canonical: Canonical) -> bool:
    """Whether the node is back from its turn: healthy on a list at least as new as it was granted.

    A node whose report is gone may be anywhere between two lists. A version that was taken back (somebody put
    an older list into etcd) cannot be loaded any more: then the newest one counts.
    """
    return (
        report is not None
        and is_serving(report)
        and report.loaded_version >= min(grant.version, canonical.version)
    )


def describe_report(report: Report | None) -> str:
    """What a node that does not serve says of itself."""
    if report is None:
        return "is missing: its sidecar is down, or cannot reach etcd"
    return f"is {report.phase.value}: {report.reason}"


def _wants_grant(report: Report) -> bool:
    return report.phase is Phase.RESTART_PENDING
