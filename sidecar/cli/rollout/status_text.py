"""The rollout as `sidecar rollout status` prints it: in lines, in rows of a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidecar.cli.shared.output import format_age
from sidecar.cli.shared.snapshot import Snapshot
from sidecar.domain.identity import Role
from sidecar.domain.records.report import Phase
from sidecar.domain.rollout.assessment import RolloutState, assess
from sidecar.domain.rollout.node_progress import NodeProgress, Progress
from sidecar.domain.rollout.summary import RolloutPhase, RolloutSummary, summarize
from sidecar.domain.servers import NodeID, ServerUrl

TITLES = ("NODE", "ROLE", "PROGRESS", "LIST", "GRANT", "WHY")
BAR_WIDTH = 30  # characters
NO_NODE = NodeID("")
STARTING_PHASES = (Phase.STARTING, Phase.RESTARTING)


@dataclass(frozen=True, slots=True)
class RolloutStatus:
    """The rollout of the canonical list, in one snapshot."""

    snapshot: Snapshot
    rollout: RolloutState
    summary: RolloutSummary

    @property
    def done(self) -> int:
        return _count_done(self.rollout.nodes)

    @property
    def finished(self) -> bool:
        """Whether the rollout is over, and no process is starting."""
        down = [p.node_id for p in self.rollout.nodes if p.progress is Progress.DOWN]
        reports = self.snapshot.network.reports
        return self.rollout.is_over and not any(
            n in reports and reports[n].phase in STARTING_PHASES for n in down
        )

    @property
    def never_reported(self) -> list[ServerUrl]:
        """The servers in the list that have never reported."""
        canonical = self.snapshot.network.canonical
        return (
            [url for url in canonical.servers if not self.snapshot.network.node_at(url)] if canonical else []
        )


def make_status(snapshot: Snapshot, now: float) -> RolloutStatus | None:
    """None while there is no canonical list. ``now``: seconds since the epoch."""
    canonical = snapshot.network.canonical
    if canonical is None:
        return None
    rollout = assess(snapshot.network, canonical, snapshot.leader or NO_NODE, now)
    return RolloutStatus(snapshot, rollout, summarize(rollout, has_leader=snapshot.leader is not None))


def headline(status: RolloutStatus) -> str:
    """The version and the state of its rollout, in one line."""
    network, rollout = status.snapshot.network.keys.network, status.rollout
    return (
        f"network {network}, version {rollout.version}: {status.summary.phase.value}: {status.summary.reason}"
    )


def progress_bars(status: RolloutStatus) -> Iterator[tuple[str, int, int]]:
    """Yield for each role with nodes: its name, the number of nodes that are done, and of all."""
    for role in Role:
        nodes = status.rollout.with_role(role)
        if nodes:
            yield f"{role.label}s", _count_done(nodes), len(nodes)


def text_bar(done: int, total: int) -> str:
    """A bar of plain characters."""
    filled = BAR_WIDTH * done // total
    return "[" + "#" * filled + "-" * (BAR_WIDTH - filled) + "]"


def footnote_lines(status: RolloutStatus) -> Iterator[str]:
    """Yield the lines below the table."""
    if status.never_reported:
        yield f"in the list, but never reported: {', '.join(url.text for url in status.never_reported)}"
    step = next_step(status)
    if step:
        yield f"next: {step}"


def row(status: RolloutStatus, node: NodeProgress) -> tuple[str, ...]:
    """One node, as `TITLES` has it."""
    report = status.snapshot.network.reports.get(node.node_id)
    role = "leader" if node.node_id == status.snapshot.leader else node.role.short_label
    loaded = str(report.loaded_version) if report else ""
    granted = format_age(node.next_grant.granted_at) if node.next_grant else ""
    return node.node_id, role, node.progress.value, loaded, granted, node.reason


def next_step(status: RolloutStatus) -> str:
    """What an operator can do now, in one line; empty if there is nothing to do."""
    match status.summary.phase:
        case RolloutPhase.PAUSED:
            return "to continue, `sidecar rollout resume`"
        case RolloutPhase.HALTED:
            return _step_after_failure(status, status.rollout.failed[0].node_id)
        case RolloutPhase.WAITING if status.snapshot.leader is None:
            return "start the sidecar of a server, so that a leader is elected"
        case RolloutPhase.WAITING:
            return _step_for_down_node(status)
        case _:
            return _step_for_excluded_node(status)


def _step_for_down_node(status: RolloutStatus) -> str:
    """Empty if the nodes that are down are only starting."""
    reports = status.snapshot.network.reports
    for node in status.rollout.nodes:
        name, report = node.node_id, reports.get(node.node_id)
        if node.progress is Progress.DOWN and (report is None or report.phase not in STARTING_PHASES):
            return (
                f"repair {name}; or continue without it (`sidecar rollout skip {name}`), "
                f"or remove it (`sidecar remove {name}`)"
            )
    return ""


def _step_for_excluded_node(status: RolloutStatus) -> str:
    for node in status.rollout.nodes:
        if node.progress is Progress.PAUSED:
            return f"to include {node.node_id} again, `sidecar resume {node.node_id}`"
        if node.progress is Progress.SKIPPED:
            return f"to restart {node.node_id} again, `sidecar rollout retry {node.node_id}`"
    return ""


def _step_after_failure(status: RolloutStatus, name: NodeID) -> str:
    good, present = status.snapshot.network.rollout.last_healthy, status.snapshot.network.canonical
    back = good and present and good.servers != present.servers
    steps = [
        f"repair {name} and restart it (`sidecar rollout retry {name}`)",
        f"continue without it (`sidecar rollout skip {name}`)",
        *([f"undo the change (`sidecar rollback {good.version}`)"] if good and back else []),
    ]
    return "; or ".join(steps)


def status_to_json(status: RolloutStatus) -> dict[str, object]:
    """The whole status for scripts: a contract, whose keys are always there."""
    rollout, leader = status.rollout, status.snapshot.leader
    return {
        "network": status.snapshot.network.keys.network,
        "version": rollout.version,
        "state": status.summary.phase.value,
        "reason": status.summary.reason,
        "next_step": next_step(status),
        "finished": status.finished,
        "leader": leader,
        "done": status.done,
        "total": len(rollout.nodes),
        "roles": {
            role.value: {"done": _count_done(rollout.with_role(role)), "total": len(rollout.with_role(role))}
            for role in Role
        },
        "max_unavailable": rollout.policy.max_unavailable.to_json(),
        "canary": rollout.policy.canary,
        "never_reported": [url.text for url in status.never_reported],
        "nodes": [_node_to_json(status, node) for node in rollout.nodes],
    }


def _node_to_json(status: RolloutStatus, node: NodeProgress) -> dict[str, object]:
    report = status.snapshot.network.reports.get(node.node_id)
    return {
        "node_id": node.node_id,
        "role": node.role.value,
        "progress": node.progress.value,
        "reason": node.reason,
        "available": node.available,
        "loaded_version": report.loaded_version if report else None,
        "grant": {
            "version": node.next_grant.version,
            "granted_at": node.next_grant.granted_at,
            "already_unavailable": node.next_grant.already_unavailable,
        }
        if node.next_grant
        else None,
    }


def _count_done(nodes: tuple[NodeProgress, ...]) -> int:
    return sum(node.progress is Progress.DONE for node in nodes)
