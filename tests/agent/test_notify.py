"""What a sidecar sends to the service manager, from its start on."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.systemd_notify import SystemdNotifier
from sidecar.agent.board import Board
from sidecar.agent.notify import notify
from sidecar.domain.node.actions import Decision
from sidecar.domain.node.view import NetworkView
from sidecar.domain.records.report import Phase
from tests.builders import THREE, canonical, document, node_view, server

pytestmark = pytest.mark.anyio


async def test_ready_follows_the_boot_check_and_the_watchdog_is_fed(tmp_path: Path) -> None:
    board = Board(node_view(server(1), document=document(9000, 9001, 9002)))
    address = str(tmp_path / "notify")
    received: list[str] = []

    async def until_told(text: str, times: int = 1) -> None:
        with anyio.fail_after(20):
            while sum(text in each for each in received) < times:
                await anyio.wait_readable(listening)
                received.append(listening.recv(4096).decode())

    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(address)
        async with anyio.create_task_group() as tasks:
            found = SystemdNotifier(address, watchdog=0.03)
            tasks.start_soon(lambda: notify(manager=found, board=board))
            await until_told("WATCHDOG=1", times=3)
            await until_told("STATUS=waiting: just started")
            assert any("EXTEND_TIMEOUT_USEC=" in each for each in received)
            assert not any("READY=1" in each for each in received)

            board.set_network(NetworkView(synced=True, canonical=canonical(*(url.port for url in THREE))))
            board.record_decision(Decision(Phase.STARTING, "its file is checked"), 0.0)

            await until_told("READY=1")
            await until_told("STATUS=starting: its file is checked")
            tasks.cancel_scope.cancel()
