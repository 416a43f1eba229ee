"""Notifies the service manager: ready once the file is checked, alive while the event loop runs."""

from __future__ import annotations

from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.ports import ServiceManager

STARTUP_TIMEOUT_EXTENSION = 30
"""Seconds of start-up to request at a time: etcd, or the first leader, may take a while."""

WATCHDOG_FRACTION = 1 / 3
"""How often the watchdog is fed, as a fraction of its timeout."""


async def notify(*, manager: ServiceManager, board: Board) -> None:
    """Notify the manager until cancelled."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_send_status, manager, board)
        if manager.watchdog is not None:
            tasks.start_soon(_feed_watchdog, manager, manager.watchdog)
        await _send_ready(manager, board)


async def _send_ready(manager: ServiceManager, board: Board) -> None:
    while not board.boot_checked:
        manager.notify(EXTEND_TIMEOUT_USEC=STARTUP_TIMEOUT_EXTENSION * 1_000_000)
        with anyio.move_on_after(STARTUP_TIMEOUT_EXTENSION / 2):
            await board.wait_until(lambda: board.boot_checked)
    manager.notify(READY=1)


async def _send_status(manager: ServiceManager, board: Board) -> NoReturn:
    while True:
        sent = board.decision
        manager.notify(STATUS=f"{sent.phase.value}: {sent.reason}")
        await board.wait_until_changed(lambda: board.decision, from_value=sent)


async def _feed_watchdog(manager: ServiceManager, watchdog_timeout: float) -> NoReturn:
    while True:
        manager.notify(WATCHDOG=1)
        await anyio.sleep(watchdog_timeout * WATCHDOG_FRACTION)
