"""Why a node did not come back from its restart."""

from __future__ import annotations

from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.rollout import Grant
from sidecar.domain.rollout.node_facts import NodeFacts

_FAILURES = {Phase.CRASHED: "died", Phase.RESTART_FAILED: "could not be restarted"}


def find_failure(facts: NodeFacts, grant: Grant) -> str:
    """Why the node did not come back from the restart of ``grant``; ``""`` while it still may."""
    report, timeout = facts.report, facts.policy.timeout
    if report and report.since != grant.ignore_failure_at and report.phase in _FAILURES:
        return f"{_FAILURES[report.phase]}: {report.reason}"
    # Failed starts on an older list say nothing about the one granted.
    loaded = report is not None and report.loaded_version >= min(grant.version, facts.newest)
    if report and report.failed_starts > grant.ignore_failed_starts and loaded and not report.healthy:
        return f"did not become healthy: {report.reason}"
    if facts.now >= facts.granted_at(grant) + timeout:
        late = f"did not become healthy on version {grant.version} within {timeout:g} s"
        return f"{late}: {describe_report(report)}"
    return ""


def describe_report(report: Report | None) -> str:
    """The state of a node that does not serve, by its own report."""
    if report is None:
        return "is away: its sidecar is down, or cannot reach etcd"
    return f"is {report.phase.value}: {report.reason}"
