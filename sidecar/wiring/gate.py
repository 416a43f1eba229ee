"""`sidecar gate`: the boot check alone, for whoever starts the process only after it."""

from __future__ import annotations

import logging

import anyio

from sidecar.agent.board import Board
from sidecar.agent.shutdown import Ending
from sidecar.config import Settings
from sidecar.domain.errors import Refused, StoreUnavailable
from sidecar.domain.records.report import Phase
from sidecar.logs import event
from sidecar.wiring.node import Ended, Life, run_node

log = logging.getLogger(__name__)

_KEPT_OUT = (Phase.REFUSED, Phase.REMOVED)


def gate(settings: Settings, patience: float) -> None:
    """Return once the file is right. Nothing is launched, restarted or listened on.

    Raises `Refused` where the network will not have this node, `StoreUnavailable` after ``patience`` seconds.
    """
    ended = anyio.run(_gate, settings, patience)
    decision = ended.board.decision
    if ended.board.boot_checked:
        event(log, logging.INFO, "the file is right", file=str(settings.file))
    elif decision.phase in _KEPT_OUT:
        raise Refused(f"{ended.board.view.identity.node_id}: {decision.reason}")
    else:
        raise StoreUnavailable(f"the file could not be checked within {patience:g} s: {decision.reason}")


async def _gate(settings: Settings, patience: float) -> Ended:
    async def beside(board: Board, ending: Ending) -> None:
        with anyio.move_on_after(patience):
            await board.until(lambda: board.boot_checked or board.decision.phase in _KEPT_OUT)
        ending.stop()

    return await run_node(settings, Life(), beside)
