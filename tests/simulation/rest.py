"""How it ends: once nothing breaks any more, everybody is in step, or the rollout says why it is not."""

from __future__ import annotations

from sidecar.domain.identity import Role
from sidecar.domain.node.process import Running
from sidecar.domain.node.view import turned_away
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Halt
from tests.simulation.mirror import Mirror
from tests.simulation.nodes import SimSidecar
from tests.simulation.stage import Stage


def unrest(stage: Stage) -> str | None:
    """Say what keeps the network from being at rest; None where it is as it should be."""
    mirror = stage.overseer.auditor.mirror
    if mirror.canonical is None:
        return "there is no list"
    for node in stage.sidecars.values():
        why = _dead(node) or _outside(mirror, node)
        if why:
            return f"{node.node} {why}"
    open_requests = [name for name, request in mirror.requests.items() if not request.outcome]
    if open_requests:
        return f"nobody answered {open_requests}"
    late = [node for node in stage.sidecars.values() if mirror.belongs(node.node) and _late(mirror, node)]
    doomed = stage.schedule.doomed
    if doomed and any(node.node == doomed for node in late):
        return _unsaid(stage, mirror, late)
    if late:
        return f"{late[0].node} {_late(mirror, late[0])}"
    return _left_over(mirror)


def _dead(node: SimSidecar) -> str | None:
    return None if node.reachable else "has no sidecar at work"


def _outside(mirror: Mirror, node: SimSidecar) -> str | None:
    """A node that is not in the network knows why, by a verdict or by the list that keeps it out."""
    assert mirror.canonical
    if node.identity.url in mirror.canonical.servers:
        return None
    knows = node.phase in (Phase.REMOVED, Phase.REFUSED) and not turned_away(node.board.view)
    if node.identity.role is Role.DATABASE and not knows:
        return None
    if not knows:
        return f"is outside, and does not know why: {node.board.decision.reason}"
    runs = isinstance(node.process.state, Running)
    return "was removed, and its process runs" if runs else None


def _late(mirror: Mirror, node: SimSidecar) -> str | None:
    """What a member lacks, looking at its process and its file, and at its report."""
    assert mirror.canonical
    newest = mirror.canonical.servers
    if not node.process.serves:
        return f"does not serve: {node.board.decision.reason}"
    if node.process.starts[-1] != newest:
        return f"runs on an old list: {node.board.decision.reason}"
    if node.file.servers != newest:
        return "has another list in its file"
    if not mirror.in_step(node.node):
        return f"reports otherwise: {mirror.reports.get(node.node)}"
    return None


def _left_over(mirror: Mirror) -> str | None:
    if mirror.grants:
        return f"turns are open: {mirror.grants}"
    if mirror.standstill:
        return f"a standstill is told: {mirror.standstill}"
    if mirror.skips or mirror.pauses:
        return f"exemptions are left: {[*mirror.skips, *mirror.pauses]}"
    if mirror.healthy != mirror.canonical:
        return "the list that everybody is healthy on is not called so"
    return None


def _unsaid(stage: Stage, mirror: Mirror, late: list[SimSidecar]) -> str | None:
    """One node never comes up again: the rollout is halted and says so, or nobody can go for want of it.

    Where the node was out of service before its turn came, nothing is halted; it takes up room, no more.
    """
    doomed = stage.schedule.doomed
    assert doomed
    told = mirror.standstill
    grant = mirror.grants.get(doomed)
    if grant and grant.free:
        limit = mirror.policy.rollout.max_unavailable.of(len(mirror.members_of(Role.FEDERATED)))
        waiting = [node.node for node in late if node.node != doomed]
        return f"{waiting} wait, though {limit} may be away" if waiting and limit > 1 else None
    if told and told.kind is Halt.HALTED and doomed in told.reason:
        return None
    return f"{doomed} never comes up, and nobody says so: {mirror.grants.get(doomed)}, {told}"
