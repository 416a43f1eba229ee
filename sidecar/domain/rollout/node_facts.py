"""What the rollout knows of one node, derived once from the leader's snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import RolloutPolicy
from sidecar.domain.records.report import Report
from sidecar.domain.records.rollout import Exemption, Grant


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """One node, as the rules of `node_progress` see it.

    ``grant`` is the one in etcd; ``open_grant`` is the same while it has a use: the node is not back from its
    restart, and still needs it. ``newest`` is the canonical version, ``now`` in seconds since the epoch.
    """

    member: Member
    network: Network
    report: Report | None
    serves: bool
    grant: Grant | None
    open_grant: Grant | None
    newest: int
    now: float

    @property
    def policy(self) -> RolloutPolicy:
        return self.network.policy.rollout

    @property
    def skip(self) -> Exemption | None:
        return self.network.rollout.skips.get(self.member.node_id)

    @property
    def pause(self) -> Exemption | None:
        return self.network.rollout.pauses.get(self.member.node_id)

    @property
    def wants_grant(self) -> bool:
        return self.report is not None and self.report.wants_grant

    @property
    def restart_times(self) -> tuple[float, ...]:
        """The restarts that count against the budget: within its time, and not in the future.

        A time is in the future after a clock was set back. A grant outside the budget does not count
        either if the node did not use it, because it served again before.
        """
        if not self.member.restart_times:
            return ()
        grant, report = self.grant, self.report
        is_unused = (
            grant is not None
            and grant.already_unavailable
            and report is not None
            and report.serves
            and report.loaded_version < grant.version
        )
        unused_at = grant.granted_at if grant and is_unused else None
        since = self.now - self.policy.budget.within
        return tuple(at for at in self.member.restart_times if since < at <= self.now and at != unused_at)

    def granted_at(self, grant: Grant) -> float:
        return min(grant.granted_at, self.now)  # the clock of the leader before may have been ahead


def collect_facts(member: Member, network: Network, canonical: Canonical, now: float) -> NodeFacts:
    """The facts about ``member`` in the rollout of ``canonical``. ``now``: seconds since the epoch."""
    report, grant = network.reports.get(member.node_id), network.rollout.grants.get(member.node_id)
    open_grant = None if grant is None or _has_ended(grant, report, canonical.version) else grant
    serves = report is not None and report.serves
    return NodeFacts(member, network, report, serves, grant, open_grant, canonical.version, now)


def is_back(grant: Grant, report: Report | None, newest: int) -> bool:
    """Whether the node is back from its restart: it serves, on a list at least as new as it was granted.

    A node whose report is gone may be anywhere between two lists. A version that was taken back (an older
    list was put into etcd by hand) cannot be loaded any more: then the newest one counts.
    """
    return report is not None and report.serves and report.loaded_version >= min(grant.version, newest)


def _has_ended(grant: Grant, report: Report | None, newest: int) -> bool:
    # A node that serves again makes no use of a grant for a node that is unavailable: `node.decide`.
    is_unneeded = grant.already_unavailable and report is not None and report.serves
    return is_unneeded or is_back(grant, report, newest)
