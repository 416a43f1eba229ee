"""How a life of the sidecar ends."""

from __future__ import annotations

import anyio
import pytest

from sidecar.agent.board import Board
from sidecar.agent.shutdown import SETTLED, Ending
from sidecar.domain.node.view import Decision, View
from sidecar.domain.records.report import Phase
from tests.build import server

pytestmark = pytest.mark.anyio

RESTARTING = Decision(Phase.RESTARTING, "into version 2")


@pytest.fixture
def board() -> Board:
    return Board(View(identity=server(1)))


async def due_within(ending: Ending, seconds: float) -> bool:
    with anyio.move_on_after(seconds) as waiting:
        await ending.due()
    return not waiting.cancelled_caught


async def test_it_is_not_due_before_it_is_asked_for(board: Board) -> None:
    assert not await due_within(Ending(board), 3600.0)


async def test_a_stop_is_due_at_once_whatever_is_being_done(board: Board) -> None:
    board.update(busy=RESTARTING)
    ending = Ending(board)
    ending.stop()
    assert await due_within(ending, 0.001)
    assert not ending.goes_on


async def test_going_on_is_due_at_once_where_nothing_is_being_done(board: Board) -> None:
    ending = Ending(board)
    ending.go_on()
    assert await due_within(ending, 0.001)
    assert ending.goes_on


async def test_going_on_waits_for_what_is_being_done_to_the_process(board: Board) -> None:
    board.update(busy=RESTARTING)
    ending = Ending(board)
    ending.go_on()
    assert not await due_within(ending, SETTLED - 1)
    board.update(busy=None)
    assert await due_within(ending, 0.001)


async def test_going_on_does_not_wait_for_ever(board: Board) -> None:
    board.update(busy=RESTARTING)
    ending = Ending(board)
    ending.go_on()
    began = anyio.current_time()
    assert await due_within(ending, SETTLED + 1)
    assert anyio.current_time() - began == pytest.approx(SETTLED)
    assert ending.goes_on


async def test_a_restart_of_the_sidecar_itself_waits_for_nothing(board: Board) -> None:
    # It is what is being done.
    board.update(busy=RESTARTING)
    ending = Ending(board)
    ending.go_on(at_once=True)
    assert await due_within(ending, 0.001)


async def test_a_stop_wins_over_going_on_also_while_that_waits(board: Board) -> None:
    board.update(busy=RESTARTING)
    ending = Ending(board)
    ending.go_on()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ending.due)
        await anyio.wait_all_tasks_blocked()
        began = anyio.current_time()
        ending.stop()
    assert anyio.current_time() - began < 1.0
    assert not ending.goes_on


async def test_going_on_does_not_undo_a_stop(board: Board) -> None:
    ending = Ending(board)
    ending.stop()
    ending.go_on(at_once=True)
    assert not ending.goes_on


async def test_an_end_that_comes_too_late_is_for_the_next_life(board: Board) -> None:
    ending = Ending(board)
    ending.go_on()
    assert await due_within(ending, 0.001)
    assert not ending.stop()
    assert ending.goes_on


async def test_an_end_for_good_may_be_asked_for_again(board: Board) -> None:
    ending = Ending(board)
    assert ending.stop()
    assert await due_within(ending, 0.001)
    assert ending.stop()
    assert not ending.goes_on
