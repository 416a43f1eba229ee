"""What the admin API shows: the board as a `Status`."""

from __future__ import annotations

from sidecar.agent.board import Board
from sidecar.domain.node.process import Running
from sidecar.domain.node.status import Status


def status_of(board: Board, network: str) -> Status:
    """Return what this sidecar knows now, and why it does what it does."""
    view, decision = board.view, board.decision
    holds = view.canonical and view.file and view.file.servers == view.canonical.servers
    in_step = bool(holds) and not view.file_problem
    return Status(
        identity=view.identity,
        network=network,
        phase=decision.phase,
        reason=decision.reason,
        phase_since=board.phase_since,
        synced=view.synced,
        file_up_to_date=in_step,
        lease_alive=view.lease_alive,
        boot_checked=board.boot_checked,
        leading=board.term is not None,
        healthy=view.healthy,
        pid=view.process.pid if isinstance(view.process, Running) else None,
        canonical_version=view.canonical.version if view.canonical else None,
        loaded_version=view.loaded_version or None,
        servers=tuple(view.file.servers.texts()) if view.file else (),
        counters=board.counters,
        rollout_block=str(view.rollout_block) if view.rollout_block else None,
    )
