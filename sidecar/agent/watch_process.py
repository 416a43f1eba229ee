"""Records on the board what happens to the process."""

from __future__ import annotations

from typing import NoReturn

from sidecar.agent.board import Board
from sidecar.domain.node.process import Exited
from sidecar.ports import Process


async def watch_process(*, process: Process, board: Board) -> NoReturn:
    """Record each change of the process that is not the sidecar's own action."""
    while True:
        await process.wait_for_change()
        if board.view.process.in_progress:
            continue
        state = process.state
        if isinstance(state, Exited) and state != board.view.process.state:
            board.increment("crashes")
        board.set_process(state)
