"""The contract of every way of restarting: these tests run on each driver, next to real processes.

    from tests.contracts.restart.contract import *  # a module that has a fixture `harness`

Each ends with the process running, healthy, on the newest list, once the cause of the trouble is gone; and
while there is trouble, the node's report says what it is, and it is tried again.
"""

from __future__ import annotations

import pytest

from sidecar.domain.records.report import Phase
from tests.contracts.restart.harness import Harness
from tests.contracts.restart.node import booted_node, running_node

SHORT_STARTUP_TIMEOUT = 1.0
"""Seconds that a process may take to come up, in tests where it does not."""

pytestmark = pytest.mark.anyio


async def test_a_change_restarts_it_once_and_nothing_does_afterwards(harness: Harness) -> None:
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.in_step(second)
        assert harness.starts == [harness.first, second]
        await node.reexec()
        await node.in_step(second)
        assert harness.starts == [harness.first, second]
        assert node.board.counters.restarts == 0


async def test_a_sidecar_that_ends_leaves_to_others_what_others_launched(harness: Harness) -> None:
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.in_step(second)
        await node.stop()
        assert harness.runs() is not harness.ends_with_the_sidecar
        await node.boot()
        await node.in_step(second)
        own = [second] if harness.ends_with_the_sidecar else []
        assert harness.starts == [harness.first, second, *own]
        assert node.board.counters.restarts == 0


async def test_a_change_while_the_sidecar_is_away_is_loaded_when_it_is_back(harness: Harness) -> None:
    async with running_node(harness) as node:
        await node.stop()
        second = node.change(9101)
        await node.boot()
        await node.in_step(second)
        assert harness.starts == [harness.first, second]


async def test_it_dies_in_the_middle_of_a_restart(harness: Harness) -> None:
    harness.behave(stops_slowly=2.5)
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.until(lambda: bool(harness.journal("ends")), "it is being stopped")
        harness.kill()
        await node.in_step(second)
        assert harness.starts == [harness.first, second]


async def test_it_dies_while_nothing_happens(harness: Harness) -> None:
    async with running_node(harness) as node:
        harness.kill()
        await node.until(lambda: len(harness.starts) == 2, "it was started again")
        await node.in_step(harness.first)
        second = node.change(9101)
        await node.in_step(second)
        assert harness.starts == [harness.first, harness.first, second]


async def test_it_ignores_sigterm(harness: Harness) -> None:
    harness.behave(deaf=1)
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.in_step(second)
        assert harness.starts == [harness.first, second]
        was_asked = any(event.more["signal"] == "SIGTERM" for event in harness.journal("hears"))
        assert was_asked is harness.is_signalled


async def test_it_is_not_there_when_the_sidecar_starts(harness: Harness) -> None:
    harness.cut_off_soon()
    harness.make_unavailable()
    async with booted_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        await node.wait_for_trouble(harness.down_reason, after=0)
        await node.wait_for_attempts()
        assert harness.starts == []
        harness.make_available()
        await node.in_step(harness.first)


async def test_it_is_not_there_when_the_list_changes(harness: Harness) -> None:
    harness.cut_off_soon()
    async with running_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        told = len(node.reports)
        harness.make_unavailable()
        second = node.change(9101)
        await node.wait_for_trouble(harness.down_reason, after=told)
        await node.wait_for_attempts()
        assert harness.starts == [harness.first]
        harness.make_available()
        await node.in_step(second)


async def test_it_comes_up_unhealthy_and_recovers(harness: Harness) -> None:
    async with running_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        told = len(node.reports)
        harness.become_unhealthy()
        second = node.change(9101)
        await node.wait_for_trouble("not healthy within 1 s", after=told)
        # A process that is only slow gets longer and longer to come up.
        await node.wait_for_trouble("not healthy within (2|4|8|16) s.*503", after=told)
        harness.become_healthy()
        await node.in_step(second)
        assert harness.starts[:3] == [harness.first, second, second]


async def test_it_never_listens(harness: Harness) -> None:
    async with running_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        told = len(node.reports)
        harness.behave(hangs=1)
        second = node.change(9101)
        await node.wait_for_trouble("not healthy within 1 s", after=told)
        await node.wait_for_trouble("not healthy within (2|4|8|16) s.*refused", after=told)
        harness.behave()
        await node.in_step(second)


async def test_it_ends_at_each_start(harness: Harness) -> None:
    harness.cut_off_soon()
    async with running_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        told = len(node.reports)
        harness.behave(dies=3)
        second = node.change(9101)
        await node.wait_for_trouble(harness.down_reason, after=told)
        await node.wait_for_attempts()
        harness.behave()
        await node.in_step(second)


async def test_changes_during_a_restart_end_in_one_more_restart(harness: Harness) -> None:
    harness.behave(stops_slowly=2.5)
    async with running_node(harness) as node:
        node.change(9101)
        await node.until(lambda: bool(harness.journal("ends")), "it is being stopped")
        node.change(9102)
        node.change(9103)
        last = node.change(9101, 9104)
        await node.in_step(last)
        # A process that reads its file late may have been started on the last list already.
        assert len(harness.starts) <= 3


async def test_a_restart_that_hangs_is_cut_off_and_tried_again(harness: Harness) -> None:
    harness.cut_off_soon()
    async with running_node(harness) as node:
        told = len(node.reports)
        harness.hang_restarts()
        second = node.change(9101)
        if harness.can_hang:
            report = await node.wait_for_trouble(f"cut off after {harness.restart_timeout:g} s: ", after=told)
            assert report.phase in (Phase.RESTART_FAILED, Phase.CRASHED)
            await node.wait_for_attempts(1)
        harness.resume_restarts()
        await node.in_step(second)
        if not harness.can_hang:
            assert harness.starts == [harness.first, second]
            assert not any(report.phase is Phase.RESTART_FAILED for report in node.reports)


async def test_a_restart_that_a_sidecar_did_not_live_to_see_is_made_by_the_next(harness: Harness) -> None:
    harness.cut_off_soon()
    async with running_node(harness) as node:
        told = len(node.reports)
        harness.hang_restarts()
        second = node.change(9101)
        if harness.can_hang:
            await node.wait_for_trouble("cut off", after=told)
        # The file holds the new list by now, which says nothing of what the process has loaded.
        await node.stop()
        harness.resume_restarts()
        await node.boot()
        await node.in_step(second)
