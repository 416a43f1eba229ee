"""Asks the process how it is: often until it is well, seldom from then on."""

from __future__ import annotations

from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.domain.node.health import ProbeSchedule
from sidecar.domain.node.process import NoProcess, Running
from sidecar.ports import Probe

MIN_PROBE_INTERVAL, PROBE_INTERVAL_FACTOR, MAX_PROBE_INTERVAL = 0.05, 1.5, 1.0
"""Seconds between two probes of a process that is not healthy yet: growing from the first to the slowest."""


async def watch_health(*, probe: Probe, board: Board, schedule: ProbeSchedule) -> NoReturn:
    """Keep the board's ``healthy`` true to what the probe says, while there is something to probe."""
    while True:
        await board.wait_until(lambda: isinstance(board.view.process, Running | NoProcess))
        process = board.view.process
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_probe_process, probe, board, schedule)
                await board.wait_until_changed(lambda: board.view.process, from_value=process)
                scope.cancel()


async def _probe_process(probe: Probe, board: Board, schedule: ProbeSchedule) -> NoReturn:
    """Probe one life of the process."""
    interval, failures = MIN_PROBE_INTERVAL, 0
    while True:
        health = await probe.check()
        failures = 0 if health.healthy else failures + 1
        if health.healthy or failures >= schedule.failure_threshold or not board.view.healthy:
            board.update(healthy=health.healthy, health_reason=health.reason)
        if health.healthy:
            interval = MIN_PROBE_INTERVAL
            await anyio.sleep(schedule.interval)
        else:
            await anyio.sleep(interval)
            interval = min(interval * PROBE_INTERVAL_FACTOR, MAX_PROBE_INTERVAL)
