"""How a simulation ends: without faults, every node is in step, or the rollout reports why not."""

from __future__ import annotations

from sidecar.domain.identity import Role
from sidecar.domain.node.process import Running
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import BlockKind
from tests.simulation.etcd_records import EtcdRecords
from tests.simulation.nodes import SimSidecar
from tests.simulation.simulated_network import SimulatedNetwork


def why_not_converged(network: SimulatedNetwork) -> str | None:
    """Why the network has not converged; None if it has."""
    records = network.process_auditor.auditor.records
    if records.canonical is None:
        return "there is no list"
    for node in network.sidecars.values():
        why = _unreachable(node) or _excluded(records, node)
        if why:
            return f"{node.node} {why}"
    open_requests = [name for name, request in records.requests.items() if not request.outcome]
    if open_requests:
        return f"the requests {open_requests} are open"
    not_in_step = [
        node
        for node in network.sidecars.values()
        if records.belongs(node.node) and _why_not_in_step(records, node)
    ]
    unrecoverable = network.schedule.unrecoverable
    if unrecoverable and any(node.node == unrecoverable for node in not_in_step):
        return _failure_not_reported(network, records, not_in_step)
    if not_in_step:
        return f"{not_in_step[0].node} {_why_not_in_step(records, not_in_step[0])}"
    return _left_over(records)


def _unreachable(node: SimSidecar) -> str | None:
    return None if node.reachable else "has no sidecar that runs"


def _excluded(records: EtcdRecords, node: SimSidecar) -> str | None:
    """A node outside the network knows why, from its verdict or from the list."""
    assert records.canonical
    if node.identity.url in records.canonical.servers:
        return None
    knows = node.phase in (Phase.REMOVED, Phase.REFUSED) and not node.board.facts.identity_taken_reason
    if node.identity.role is Role.DATABASE and not knows:
        return None
    if not knows:
        return f"is outside, and does not know why: {node.board.decision.reason}"
    runs = isinstance(node.process.state, Running)
    return "was removed, and its process runs" if runs else None


def _why_not_in_step(records: EtcdRecords, node: SimSidecar) -> str | None:
    """Why a member is not in step, by its process, its file and its report."""
    assert records.canonical
    newest = records.canonical.servers
    if not node.process.serves:
        return f"does not serve: {node.board.decision.reason}"
    if node.process.starts[-1] != newest:
        return f"runs on an old list: {node.board.decision.reason}"
    if node.file.servers != newest:
        return "has another list in its file"
    if not records.in_step(node.node):
        return f"reports otherwise: {records.reports.get(node.node)}"
    return None


def _left_over(records: EtcdRecords) -> str | None:
    if records.grants:
        return f"grants are left: {records.grants}"
    if records.rollout_block:
        return f"the rollout is blocked: {records.rollout_block}"
    if records.skips or records.pauses:
        return f"exemptions are left: {[*records.skips, *records.pauses]}"
    if records.last_healthy != records.canonical:
        return "the list on which every node is healthy is not recorded as healthy"
    return None


def _failure_not_reported(
    network: SimulatedNetwork, records: EtcdRecords, late: list[SimSidecar]
) -> str | None:
    """One node never comes up again: the rollout halts and reports it, or the limit blocks the other nodes.

    A node that was unavailable before its grant halts nothing; it only counts against the limit.
    """
    unrecoverable = network.schedule.unrecoverable
    assert unrecoverable
    block = records.rollout_block
    grant = records.grants.get(unrecoverable)
    if grant and grant.already_unavailable:
        limit = records.policy.rollout.max_unavailable.of(len(records.members_of(Role.FEDERATED)))
        waiting = [node.node for node in late if node.node != unrecoverable]
        return f"{waiting} wait, though {limit} may be unavailable" if waiting and limit > 1 else None
    if block and block.kind is BlockKind.HALTED and unrecoverable in block.reason:
        return None
    return f"{unrecoverable} never comes up, and nothing reports it: {grant}, {block}"
