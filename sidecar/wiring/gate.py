"""`sidecar gate`: the boot check alone, for a launcher that starts the process only after it."""

from __future__ import annotations

import logging

import anyio

from sidecar.agent.board import Board
from sidecar.agent.shutdown import Shutdown
from sidecar.config import Settings
from sidecar.domain.errors import Refused, StoreUnavailable
from sidecar.domain.records.report import Phase
from sidecar.logs import event
from sidecar.wiring.execution import Execution, ExecutionResult
from sidecar.wiring.node import run_node

log = logging.getLogger(__name__)

_LOCKED_OUT = (Phase.REFUSED, Phase.REMOVED)


def gate(settings: Settings, timeout: float) -> None:
    """Return once the file is up to date. Nothing is launched, restarted or listened on.

    Raises `Refused` if the network does not admit this node, `StoreUnavailable` after ``timeout`` seconds.
    """
    result = anyio.run(_gate, settings, timeout)
    decision = result.board.decision
    if result.board.boot_checked:
        event(log, logging.INFO, "file up to date", file=str(settings.node.file))
    elif decision.phase in _LOCKED_OUT:
        raise Refused(f"{result.board.view.identity.node_id}: {decision.reason}")
    else:
        raise StoreUnavailable(f"the file could not be checked within {timeout:g} s: {decision.reason}")


async def _gate(settings: Settings, max_seconds: float) -> ExecutionResult:
    async def alongside(board: Board, shutdown: Shutdown) -> None:
        with anyio.move_on_after(max_seconds):
            await board.wait_until(lambda: board.boot_checked or board.decision.phase in _LOCKED_OUT)
        shutdown.request_stop()

    return await run_node(settings, Execution(), alongside)
