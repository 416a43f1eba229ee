"""What the service manager is told, on its own socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.service_manager import ServiceManager
from sidecar.agent.announce import announce
from sidecar.agent.board import Board
from sidecar.domain.report import Phase
from sidecar.domain.view import Decision, View
from tests.build import THREE, canonical, document, server

pytestmark = pytest.mark.anyio


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    """A manager's socket at ``address``, as sd_notify(3) spells it."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind("\0" + address[1:] if address.startswith("@") else address)
        listening.settimeout(20)
        yield listening


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_it_is_told_line_by_line(kind: str, tmp_path: Path) -> None:
    address = f"@sidecar-test-{os.getpid()}" if kind == "abstract" else str(tmp_path / "notify")
    with manager(address) as listening:
        ServiceManager.of({"NOTIFY_SOCKET": address}).tell(READY=1, STATUS="in step\nREADY=0")
        assert listening.recv(4096) == b"READY=1\nSTATUS=in step READY=0"


def test_nobody_is_told_where_there_is_nobody(tmp_path: Path) -> None:
    ServiceManager.of({}).tell(READY=1)
    ServiceManager.of({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell(READY=1)


def test_what_is_meant_for_the_sidecar_is_not_left_to_its_children() -> None:
    given = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}
    environ = {**given, "PATH": "/bin"}

    found = ServiceManager.of(environ)

    assert environ == {"PATH": "/bin"}
    assert dict(found.given) == given
    assert found.watchdog == 3.0


@pytest.mark.parametrize(
    ("variables", "watchdog"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_a_watchdog_counts_for_this_process_alone(variables: dict[str, str], watchdog: float | None) -> None:
    assert ServiceManager.of(dict(variables)).watchdog == watchdog


async def test_ready_is_told_once_the_file_is_checked_and_life_as_long_as_it_lasts(tmp_path: Path) -> None:
    board = Board(View(identity=server(1), file=document(9000, 9001, 9002)))
    address = str(tmp_path / "notify")
    told: list[str] = []

    async def until_told(text: str, times: int = 1) -> None:
        with anyio.fail_after(20):
            while sum(text in each for each in told) < times:
                await anyio.wait_readable(listening)
                told.append(listening.recv(4096).decode())

    with manager(address) as listening:
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
