"""Asks the process how it is: often until it is well, seldom from then on."""

from __future__ import annotations

from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.domain.node.health import Rhythm
from sidecar.domain.node.process import NoProcess, Running
from sidecar.ports import Probe

FIRST, FACTOR, SLOWEST = 0.05, 1.5, 1.0
"""Seconds between two probes of a process that is not healthy yet: growing from the first to the slowest."""


async def watch_health(*, probe: Probe, board: Board, rhythm: Rhythm) -> NoReturn:
    """Keep the board's ``healthy`` true to what the probe says, while there is something to probe."""
    while True:
        await board.until(lambda: isinstance(board.view.process, Running | NoProcess))
        process = board.view.process
        with anyio.CancelScope() as life:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_probe, probe, board, rhythm)
                await board.until_other(lambda: board.view.process, than=process)
                life.cancel()


async def _probe(probe: Probe, board: Board, rhythm: Rhythm) -> NoReturn:
    """Probe one life of the process."""
    pause, strikes = FIRST, 0
    while True:
        health = await probe.check()
        strikes = 0 if health.healthy else strikes + 1
        if health.healthy or strikes >= rhythm.threshold or not board.view.healthy:
            board.update(healthy=health.healthy, health_reason=health.reason)
        if health.healthy:
            pause = FIRST
            await anyio.sleep(rhythm.interval)
        else:
            await anyio.sleep(pause)
            pause = min(pause * FACTOR, SLOWEST)
