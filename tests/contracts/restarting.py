"""The contract of every way of restarting: these tests run on each driver, next to real processes.

    from tests.contracts.restarting import *  # a module that has a fixture `stage`

Each ends with the process running, healthy, on the newest list, once the cause of the trouble is gone; and
while there is trouble, the node's report says what it is, and it is tried again.
"""

from __future__ import annotations

import pytest

from sidecar.domain.records.report import Phase
from tests.contracts.restart_stage import Stage
from tests.contracts.restart_world import node_on, running_node

SHORT = 1.0
"""Seconds that a process may take to come up, in tests where it does not."""

pytestmark = pytest.mark.anyio


async def test_a_change_restarts_it_once_and_nothing_does_afterwards(stage: Stage) -> None:
    async with running_node(stage) as node:
        second = node.change(9101)
        await node.in_step(second)
        assert stage.starts == [stage.first, second]
        await node.go_on()
        await node.in_step(second)
        assert stage.starts == [stage.first, second]
        assert node.board.counters.restarts == 0


async def test_a_sidecar_that_ends_leaves_to_others_what_others_launched(stage: Stage) -> None:
    async with running_node(stage) as node:
        second = node.change(9101)
        await node.in_step(second)
        await node.stop()
        assert stage.runs() is not stage.ends_with_the_sidecar
        await node.boot()
        await node.in_step(second)
        own = [second] if stage.ends_with_the_sidecar else []
        assert stage.starts == [stage.first, second, *own]
        assert node.board.counters.restarts == 0


async def test_a_change_while_the_sidecar_is_away_is_loaded_when_it_is_back(stage: Stage) -> None:
    async with running_node(stage) as node:
        await node.stop()
        second = node.change(9101)
        await node.boot()
        await node.in_step(second)
        assert stage.starts == [stage.first, second]


async def test_it_dies_in_the_middle_of_a_restart(stage: Stage) -> None:
    stage.behave(stops_slowly=2.5)
    async with running_node(stage) as node:
        second = node.change(9101)
        await node.until(lambda: bool(stage.journal("ends")), "it is being stopped")
        stage.kill()
        await node.in_step(second)
        assert stage.starts == [stage.first, second]


async def test_it_dies_while_nothing_happens(stage: Stage) -> None:
    async with running_node(stage) as node:
        stage.kill()
        await node.until(lambda: len(stage.starts) == 2, "it was started again")
        await node.in_step(stage.first)
        second = node.change(9101)
        await node.in_step(second)
        assert stage.starts == [stage.first, stage.first, second]


async def test_it_ignores_sigterm(stage: Stage) -> None:
    stage.behave(deaf=1)
    async with running_node(stage) as node:
        second = node.change(9101)
        await node.in_step(second)
        assert stage.starts == [stage.first, second]
        was_asked = any(event.more["signal"] == "SIGTERM" for event in stage.journal("hears"))
        assert was_asked is stage.is_signalled


async def test_it_is_not_there_when_the_sidecar_starts(stage: Stage) -> None:
    stage.cut_off_soon()
    stage.take_away()
    async with node_on(stage, patience=SHORT) as node:
        await node.tells(stage.down, after=0)
        await node.tries_again()
        assert stage.starts == []
        stage.bring_back()
        await node.in_step(stage.first)


async def test_it_is_not_there_when_the_list_changes(stage: Stage) -> None:
    stage.cut_off_soon()
    async with running_node(stage, patience=SHORT) as node:
        told = len(node.reports)
        stage.take_away()
        second = node.change(9101)
        await node.tells(stage.down, after=told)
        await node.tries_again()
        assert stage.starts == [stage.first]
        stage.bring_back()
        await node.in_step(second)


async def test_it_comes_up_unhealthy_and_recovers(stage: Stage) -> None:
    async with running_node(stage, patience=SHORT) as node:
        told = len(node.reports)
        stage.fall_sick()
        second = node.change(9101)
        await node.tells("not healthy within 1 s", after=told)
        # A process that is only slow gets longer and longer to come up.
        await node.tells("not healthy within (2|4|8|16) s.*503", after=told)
        stage.recover()
        await node.in_step(second)
        assert stage.starts[:3] == [stage.first, second, second]


async def test_it_never_listens(stage: Stage) -> None:
    async with running_node(stage, patience=SHORT) as node:
        told = len(node.reports)
        stage.behave(hangs=1)
        second = node.change(9101)
        await node.tells("not healthy within 1 s", after=told)
        await node.tells("not healthy within (2|4|8|16) s.*refused", after=told)
        stage.behave()
        await node.in_step(second)


async def test_it_ends_at_each_start(stage: Stage) -> None:
    stage.cut_off_soon()
    async with running_node(stage, patience=SHORT) as node:
        told = len(node.reports)
        stage.behave(dies=3)
        second = node.change(9101)
        await node.tells(stage.down, after=told)
        await node.tries_again()
        stage.behave()
        await node.in_step(second)


async def test_changes_during_a_restart_end_in_one_more_restart(stage: Stage) -> None:
    stage.behave(stops_slowly=2.5)
    async with running_node(stage) as node:
        node.change(9101)
        await node.until(lambda: bool(stage.journal("ends")), "it is being stopped")
        node.change(9102)
        node.change(9103)
        last = node.change(9101, 9104)
        await node.in_step(last)
        # A process that reads its file late may have been started on the last list already.
        assert len(stage.starts) <= 3


async def test_a_restart_that_hangs_is_cut_off_and_tried_again(stage: Stage) -> None:
    stage.cut_off_soon()
    async with running_node(stage) as node:
        told = len(node.reports)
        stage.hang()
        second = node.change(9101)
        if stage.can_hang:
            report = await node.tells(f"cut off after {stage.restart_timeout:g} s: ", after=told)
            assert report.phase in (Phase.RESTART_FAILED, Phase.CRASHED)
            await node.tries_again(1)
        stage.unhang()
        await node.in_step(second)
        if not stage.can_hang:
            assert stage.starts == [stage.first, second]
            assert not any(report.phase is Phase.RESTART_FAILED for report in node.reports)


async def test_a_restart_that_a_sidecar_did_not_live_to_see_is_made_by_the_next(stage: Stage) -> None:
    stage.cut_off_soon()
    async with running_node(stage) as node:
        told = len(node.reports)
        stage.hang()
        second = node.change(9101)
        if stage.can_hang:
            await node.tells("cut off", after=told)
        # The file holds the new list by now, which says nothing of what the process has loaded.
        await node.stop()
        stage.unhang()
        await node.boot()
        await node.in_step(second)
