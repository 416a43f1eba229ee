"""Tells the service manager how it goes: ready once the file is checked, alive as long as the loop turns."""

from __future__ import annotations

from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.ports import ServiceManager

PATIENCE = 30
"""Seconds of start-up that the manager is asked for at a time: etcd, or a leader, may take its time."""

SHARE = 1 / 3
"""Of the time after which the manager takes a silent process for hung: how often it hears of this one."""


async def announce(*, manager: ServiceManager, board: Board) -> None:
    """Keep the manager told, until cancelled."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_tell_status, manager, board)
        if manager.watchdog is not None:
            tasks.start_soon(_feed_watchdog, manager, manager.watchdog)
        await _get_ready(manager, board)


async def _get_ready(manager: ServiceManager, board: Board) -> None:
    while not board.boot_checked:
        manager.tell(EXTEND_TIMEOUT_USEC=PATIENCE * 1_000_000)
        with anyio.move_on_after(PATIENCE / 2):
            await board.until(lambda: board.boot_checked)
    manager.tell(READY=1)


async def _tell_status(manager: ServiceManager, board: Board) -> NoReturn:
    while True:
        told = board.decision
        manager.tell(STATUS=f"{told.phase.value}: {told.reason}")
        await board.until_other(lambda: board.decision, than=told)


async def _feed_watchdog(manager: ServiceManager, patience: float) -> NoReturn:
    while True:
        manager.tell(WATCHDOG=1)
        await anyio.sleep(patience * SHARE)
