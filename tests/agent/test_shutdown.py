"""How an execution of the sidecar ends."""

from __future__ import annotations

import anyio
import pytest

from sidecar.agent.board import Board
from sidecar.agent.shutdown import IN_PROGRESS_TIMEOUT, Shutdown
from sidecar.domain.node.actions import Decision
from sidecar.domain.node.process import NotLaunched
from sidecar.domain.node.view import View
from sidecar.domain.records.report import Phase
from tests.builders import server

pytestmark = pytest.mark.anyio

RESTARTING = Decision(Phase.RESTARTING, "into version 2")


@pytest.fixture
def board() -> Board:
    return Board(View(identity=server(1)))


async def ends_within(shutdown: Shutdown, seconds: float) -> bool:
    with anyio.move_on_after(seconds) as waiting:
        await shutdown.wait()
    return not waiting.cancelled_caught


async def test_it_waits_until_it_is_requested(board: Board) -> None:
    assert not await ends_within(Shutdown(board), 3600.0)


async def test_a_stop_never_waits_for_an_action_in_progress(board: Board) -> None:
    board.begin_action(RESTARTING)
    shutdown = Shutdown(board)
    shutdown.request_stop()
    assert await ends_within(shutdown, 0.001)
    assert not shutdown.reexec


async def test_a_reexec_is_immediate_when_no_action_is_in_progress(board: Board) -> None:
    shutdown = Shutdown(board)
    shutdown.request_reexec()
    assert await ends_within(shutdown, 0.001)
    assert shutdown.reexec


async def test_a_reexec_waits_for_the_action_in_progress(board: Board) -> None:
    board.begin_action(RESTARTING)
    shutdown = Shutdown(board)
    shutdown.request_reexec()
    assert not await ends_within(shutdown, IN_PROGRESS_TIMEOUT - 1)
    board.finish_action(NotLaunched())
    assert await ends_within(shutdown, 0.001)


async def test_a_reexec_waits_no_longer_than_its_timeout(board: Board) -> None:
    board.begin_action(RESTARTING)
    shutdown = Shutdown(board)
    shutdown.request_reexec()
    began = anyio.current_time()
    assert await ends_within(shutdown, IN_PROGRESS_TIMEOUT + 1)
    assert anyio.current_time() - began == pytest.approx(IN_PROGRESS_TIMEOUT)
    assert shutdown.reexec


async def test_an_immediate_reexec_does_not_wait(board: Board) -> None:
    # The re-execution itself is the action in progress.
    board.begin_action(RESTARTING)
    shutdown = Shutdown(board)
    shutdown.request_reexec(immediate=True)
    assert await ends_within(shutdown, 0.001)


async def test_a_stop_overrides_a_waiting_reexec(board: Board) -> None:
    board.begin_action(RESTARTING)
    shutdown = Shutdown(board)
    shutdown.request_reexec()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shutdown.wait)
        await anyio.wait_all_tasks_blocked()
        began = anyio.current_time()
        shutdown.request_stop()
    assert anyio.current_time() - began < 1.0
    assert not shutdown.reexec


async def test_a_reexec_does_not_override_a_stop(board: Board) -> None:
    shutdown = Shutdown(board)
    shutdown.request_stop()
    shutdown.request_reexec(immediate=True)
    assert not shutdown.reexec


async def test_a_stop_after_the_reexec_was_decided_is_declined(board: Board) -> None:
    shutdown = Shutdown(board)
    shutdown.request_reexec()
    assert await ends_within(shutdown, 0.001)
    assert not shutdown.request_stop()
    assert shutdown.reexec


async def test_a_stop_may_be_requested_twice(board: Board) -> None:
    shutdown = Shutdown(board)
    assert shutdown.request_stop()
    assert await ends_within(shutdown, 0.001)
    assert shutdown.request_stop()
    assert not shutdown.reexec
