"""Probes the process: often until it is healthy, at a steady interval from then on."""

from __future__ import annotations

from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.domain.node.health import ProbeSchedule
from sidecar.domain.node.process import NoProcess, Running
from sidecar.ports import Probe

MIN_PROBE_INTERVAL, PROBE_INTERVAL_FACTOR, MAX_PROBE_INTERVAL = 0.05, 1.5, 1.0
"""Seconds between two probes of a process that is not healthy yet, growing by the factor."""


async def watch_health(*, probe: Probe, board: Board, schedule: ProbeSchedule) -> NoReturn:
    """Keep the board's health as the probe reports it, while there is a process to probe."""
    while True:
        await board.wait_until(lambda: isinstance(board.view.process.state, Running | NoProcess))
        process = board.view.process.state
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_probe_process, probe, board, schedule)
                await board.wait_until_changed(lambda: board.view.process.state, from_value=process)
                scope.cancel()


async def _probe_process(probe: Probe, board: Board, schedule: ProbeSchedule) -> NoReturn:
    """Probe one process, from its start to its end."""
    interval, failures = MIN_PROBE_INTERVAL, 0
    while True:
        health = await probe.check()
        failures = 0 if health.healthy else failures + 1
        if health.healthy or failures >= schedule.failure_threshold or not board.view.health.healthy:
            board.set_health(health)
        if health.healthy:
            interval = MIN_PROBE_INTERVAL
            await anyio.sleep(schedule.interval)
        else:
            await anyio.sleep(interval)
            interval = min(interval * PROBE_INTERVAL_FACTOR, MAX_PROBE_INTERVAL)
