"""What the service manager hears of a sidecar that boots, and that lives."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.service_manager import ServiceManager
from sidecar.agent.board import Board
from sidecar.agent.notify import announce
from sidecar.domain.node.view import Decision, View
from sidecar.domain.records.report import Phase
from tests.build import THREE, canonical, document, server

pytestmark = pytest.mark.anyio


async def test_ready_is_told_once_the_file_is_checked_and_life_as_long_as_it_lasts(tmp_path: Path) -> None:
    board = Board(View(identity=server(1), file=document(9000, 9001, 9002)))
    address = str(tmp_path / "notify")
    told: list[str] = []

    async def until_told(text: str, times: int = 1) -> None:
        with anyio.fail_after(20):
            while sum(text in each for each in told) < times:
                await anyio.wait_readable(listening)
                told.append(listening.recv(4096).decode())

    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(address)
        async with anyio.create_task_group() as tasks:
            found = ServiceManager(address, watchdog=0.03)
            tasks.start_soon(lambda: announce(manager=found, board=board))
            await until_told("WATCHDOG=1", times=3)
            await until_told("STATUS=waiting: just started")
            assert any("EXTEND_TIMEOUT_USEC=" in each for each in told)
            assert not any("READY=1" in each for each in told)

            board.update(listed=True, canonical=canonical(*(url.port for url in THREE)))
            board.decided(Decision(Phase.STARTING, "its file is checked"), 0.0)

            await until_told("READY=1")
            await until_told("STATUS=starting: its file is checked")
            tasks.cancel_scope.cancel()
