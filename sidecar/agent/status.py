"""The board as the `Status` that the admin API shows."""

from __future__ import annotations

from sidecar.agent.board import Board
from sidecar.domain.node.process import Running
from sidecar.domain.node.status import Status


def status_of(board: Board, network: str) -> Status:
    """Return what this sidecar knows and does now."""
    view, decision = board.view, board.decision
    canonical, document, process = view.network.canonical, view.file.document, view.process.state
    in_step = canonical is not None and document is not None and document.servers == canonical.servers
    return Status(
        identity=view.identity,
        network=network,
        phase=decision.phase,
        reason=decision.reason,
        phase_since=board.phase_since,
        synced=view.network.synced,
        file_up_to_date=in_step and not view.file.problem,
        lease_alive=view.network.lease_alive,
        boot_checked=board.boot_checked,
        leading=board.term is not None,
        healthy=view.health.healthy,
        pid=process.pid if isinstance(process, Running) else None,
        canonical_version=canonical.version if canonical else None,
        loaded_version=view.process.loaded_version or None,
        servers=tuple(document.servers.texts()) if document else (),
        counters=board.counters,
        rollout_block=str(view.network.rollout_block) if view.network.rollout_block else None,
    )
