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


_FAILED = {Phase.CRASHED: "died", Phase.RESTART_FAILED: "could not be restarted"}
UNDER_WAY = (Progress.WAITING, Progress.RESTARTING, Progress.SETTLING)


@dataclass(frozen=True, slots=True)
class Place:
    """One node in the rollout.

    ``available``: it serves, or an operator said not to count it. ``asks``: it waits for leave to restart.
    ``kept`` is what its grant should be now; None where its turn is over, or never was. ``look_again`` is
    when time alone changes something about it, and ``restarts`` are those that its budget counts, both in
    seconds since the epoch.
    """

    node_id: NodeID
    role: Role
    progress: Progress
    reason: str
    available: bool
    asks: bool = False
    grant: Grant | None = None
    kept: Grant | None = None
    look_again: float | None = None
    missing: bool = False
    restarts: tuple[float, ...] = ()


def place_of(member: Member, network: Network, canonical: Canonical, now: float) -> Place:
    """Where ``member`` stands in the rollout of ``canonical``. ``now``: seconds since the epoch."""
    return _Look(network, canonical, network.policy.rollout, member, now).place()


@dataclass(frozen=True, slots=True)
class _Look:
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
        return self.network.grants.get(self.member.node_id)

    @property
    def restarts(self) -> tuple[float, ...]:
        """Those that its budget counts. One from the future, by a clock that was set back, is none.

        Nor is a free turn that the node served again before it used.
        """
        grant, report = self.grant, self.report
        unused = grant and grant.free and report and well(report) and report.loaded_version < grant.version
        taken_back = grant.since if grant and unused else None
        since = self.now - self.policy.budget.within
        return tuple(at for at in self.member.restarts if since < at <= self.now and at != taken_back)

    def place(self) -> Place:
        grant, report = self.grant, self.report
        if grant and report and back(grant, report, self.canonical):
            since = self._healthy_since(grant, report)
            if self.now < since + self.policy.min_ready:
                return self._settling(grant, report, since)
            grant = None
        serves = report is not None and well(report)
        if report and serves and not grant and report.loaded_version >= self.canonical.version:
            return self._at(Progress.DONE, "in step", available=True)
        if grant and grant.free and serves:
            grant = None  # it serves, and so does not use it: `node.decide`
        return (
            self._skipped(grant, serves=serves)
            or (self._turn(grant) if grant and not grant.free else None)
            or self._paused(grant, serves=serves)
            or (self._waiting(report) if report and serves else None)
            or self._at(Progress.DOWN, shown(report), available=False, kept=grant)
        )

    def _skipped(self, grant: Grant | None, *, serves: bool) -> Place | None:
        skip = self.network.skips.get(self.member.node_id)
        if skip is None or (skip.version < self.canonical.version and serves):
            return None
        return self._at(Progress.SKIPPED, f"is skipped by {skip.by}", available=True, kept=grant)

    def _paused(self, grant: Grant | None, *, serves: bool) -> Place | None:
        pause = self.network.pauses.get(self.member.node_id)
        if pause is None:
            return None
        # It counts as anybody who is out of service, so it is said that it is.
        reason = f"is paused by {pause.by}" + ("" if serves else f", and {shown(self.report)}")
        return self._at(Progress.PAUSED, reason, available=serves, kept=grant)

    def _healthy_since(self, grant: Grant, report: Report) -> float:
        """Since when it is known to be healthy without a break, by this leader or by those before."""
        if grant.healthy_since is None or grant.healthy_as != report.spell:
            return self.now
        return min(self.now, grant.healthy_since)  # the clock of the leader before may have been ahead

    def _settling(self, grant: Grant, report: Report, since: float) -> Place:
        return self._at(
            Progress.SETTLING,
            f"is healthy on version {grant.version}, and has to be so for {self.policy.min_ready:g} s",
            available=False,
            kept=replace(grant, healthy_since=since, healthy_as=report.spell, failed=""),
            look_again=since + self.policy.min_ready,
        )

    def _turn(self, grant: Grant) -> Place:
        """It was in service when it got this turn, and is not back yet."""
        newest = self.canonical.version
        if grant.failed and grant.version < newest:
            # What it failed on is the list no more; it counts as anybody who is out of service.
            paused = self._paused(grant, serves=False)
            return paused or self._at(Progress.DOWN, grant.failed, available=False, kept=grant)
        # The clock of the leader before may have been ahead.
        since = min(grant.since, self.now)
        kept = replace(grant, since=since, healthy_since=None)
        failure = grant.failed or self._failure(kept)
        if failure:
            # Whatever it was granted, it went for the newest list.
            kept = replace(kept, failed=failure, version=max(grant.version, newest))
            return self._at(Progress.FAILED, failure, available=False, kept=kept)
        ends = since + self.policy.timeout
        # What it said before it had its turn, why it waits, is not so any more.
        asks = self.report is not None and _asks(self.report)
        reason = "is about to restart" if asks else shown(self.report)
        return self._at(Progress.RESTARTING, reason, available=False, kept=kept, look_again=ends)

    def _failure(self, grant: Grant) -> str:
        report = self.report
        if report and report.since != grant.forgiven and report.phase in _FAILED:
            return f"{_FAILED[report.phase]}: {report.reason}"
        # What came to nothing on an older list says nothing of the one granted.
        loaded = report is not None and report.loaded_version >= min(grant.version, self.canonical.version)
        if report and report.fruitless > grant.fruitless and loaded and not report.healthy:
            return f"did not become healthy: {report.reason}"
        if self.now >= grant.since + self.policy.timeout:
            limit = f"{self.policy.timeout:g} s"
            return f"is not healthy on version {grant.version} within {limit}: {shown(report)}"
        return ""

    def _waiting(self, report: Report) -> Place:
        budget, restarts = self.policy.budget, self.restarts
        if len(restarts) >= budget.restarts and _asks(report):
            spent_until = restarts[-budget.restarts] + budget.within
            reason = f"was restarted {budget.restarts} times within {budget.within:g} s"
            return self._at(Progress.FAILED, reason, available=True, look_again=spent_until)
        reason = f"runs on version {report.loaded_version}"
        if not _asks(report) and report.reason:
            reason += f", and does not ask for a turn: {report.reason}"
        return self._at(Progress.WAITING, reason, available=True)

    def _at(
        self,
        progress: Progress,
        reason: str,
        *,
        available: bool,
        kept: Grant | None = None,
        look_again: float | None = None,
    ) -> Place:
        node, asks = self.member, self.report is not None and _asks(self.report)
        asks = asks and progress not in (Progress.PAUSED, Progress.SKIPPED)
        return Place(
            *(node.node_id, node.role, progress, reason, available),
            asks=asks,
            grant=self.grant,
            kept=kept,
            look_again=look_again,
            missing=self.report is None,
            restarts=self.restarts,
        )


def well(report: Report) -> bool:
    """Whether the node serves: its process runs and is healthy."""
    return report.healthy and report.phase in (Phase.RUNNING, Phase.RESTART_PENDING)


def back(grant: Grant, report: Report | None, canonical: Canonical) -> bool:
    """Whether the node is back from its turn: healthy on a list at least as new as it was granted.

    A node whose report is gone may be anywhere between two lists. A version that was taken back (somebody put
    an older list into etcd) cannot be loaded any more: then the newest one counts.
    """
    return (
        report is not None and well(report) and report.loaded_version >= min(grant.version, canonical.version)
    )


def shown(report: Report | None) -> str:
    """What a node that does not serve says of itself."""
    if report is None:
        return "is missing: its sidecar is down, or cannot reach etcd"
    return f"is {report.phase.value}: {report.reason}"


def _asks(report: Report) -> bool:
    return report.phase is Phase.RESTART_PENDING
