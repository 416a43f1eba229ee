"""The admin API of a running sidecar: its port, kept across executions, and its server."""

from __future__ import annotations

import socket
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import anyio

from sidecar.admin.listening import listen
from sidecar.agent.board import Board
from sidecar.agent.status import status_of
from sidecar.config import Address
from sidecar.wiring.reexec import Handover

MAX_ADMIN_DELAY = 1.0
"""Seconds that the start of the admin API waits for the start of the process."""


def admin_listener(
    address: Address | None, previous: Handover | None
) -> AbstractContextManager[socket.socket | None]:
    """The socket of the admin API: that of the previous execution if the address is the same."""
    if previous is not None and previous.listener is not None:
        inherited = socket.socket(fileno=previous.listener)
        if address and previous.admin_address == str(address):
            return inherited
        inherited.close()
    return listen(address) if address else nullcontext()


async def serve_admin(listener: socket.socket | None, board: Board, network: str) -> None:
    """Serve the admin API once the process has started: the import of its server takes a while."""
    if listener is None:
        return
    with anyio.move_on_after(MAX_ADMIN_DELAY):
        await board.wait_until(lambda: board.idle)
    from sidecar.admin.server import serve  # noqa: PLC0415 - aiohttp, after the process has started

    async with serve(partial(status_of, board, network), listener.dup()):
        await anyio.sleep_forever()
