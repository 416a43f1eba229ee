"""The contract of every restart driver: rules that hold on each of them, next to real processes.

A test module has a fixture ``harness`` and runs every rule on it:

    @each_rule
    async def test_the_restart_contract(rule: Rule, harness: Harness) -> None:
        await rule(harness)

Each rule ends with the process running, healthy, on the newest list. While something prevents that, the
node's report says what, and the sidecar tries again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from sidecar.domain.records.report import Phase
from tests.contracts.restart.harness import Harness
from tests.contracts.restart.node import booted_node, running_node

Rule: TypeAlias = Callable[[Harness], Awaitable[None]]

SHORT_STARTUP_TIMEOUT = 1.0
"""Seconds that a process may take to become healthy, in rules where it does not."""

RULES: list[Rule] = []


def _rule(rule: Rule) -> Rule:
    RULES.append(rule)
    return rule


@_rule
async def a_change_restarts_the_process_once(harness: Harness) -> None:
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.wait_in_sync(second)
        assert harness.starts == [harness.first, second]
        await node.reexec()
        await node.wait_in_sync(second)
        assert harness.starts == [harness.first, second]
        assert node.board.counters.restarts == 0


@_rule
async def stopping_the_sidecar_stops_only_its_own_child(harness: Harness) -> None:
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.wait_in_sync(second)
        await node.stop()
        assert harness.is_running() is not harness.is_child
        await node.boot()
        await node.wait_in_sync(second)
        own = [second] if harness.is_child else []
        assert harness.starts == [harness.first, second, *own]
        assert node.board.counters.restarts == 0


@_rule
async def a_change_while_the_sidecar_is_down_is_applied_later(harness: Harness) -> None:
    async with running_node(harness) as node:
        await node.stop()
        second = node.change(9101)
        await node.boot()
        await node.wait_in_sync(second)
        assert harness.starts == [harness.first, second]


@_rule
async def a_process_killed_during_a_restart_comes_back(harness: Harness) -> None:
    harness.configure_app(shutdown_time=2.5)
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.until(lambda: bool(harness.events("stopping")), "the process is being stopped")
        harness.kill()
        await node.wait_in_sync(second)
        assert harness.starts == [harness.first, second]


@_rule
async def a_killed_process_is_started_again(harness: Harness) -> None:
    async with running_node(harness) as node:
        harness.kill()
        await node.until(lambda: len(harness.starts) == 2, "the process is started again")
        await node.wait_in_sync(harness.first)
        second = node.change(9101)
        await node.wait_in_sync(second)
        assert harness.starts == [harness.first, harness.first, second]


@_rule
async def a_process_that_ignores_sigterm_is_restarted(harness: Harness) -> None:
    harness.configure_app(ignores_sigterm=1)
    async with running_node(harness) as node:
        second = node.change(9101)
        await node.wait_in_sync(second)
        assert harness.starts == [harness.first, second]
        got_sigterm = any(event.signal == "SIGTERM" for event in harness.events("signalled"))
        assert got_sigterm is harness.is_signalled


@_rule
async def a_process_missing_at_boot_is_reported_and_retried(harness: Harness) -> None:
    harness.shorten_restart_timeout()
    harness.make_unavailable()
    async with booted_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        await node.wait_for_failure(harness.down_reason, after=0)
        await node.wait_for_attempts()
        assert harness.starts == []
        harness.make_available()
        await node.wait_in_sync(harness.first)


@_rule
async def a_process_missing_at_a_change_is_reported_and_retried(harness: Harness) -> None:
    harness.shorten_restart_timeout()
    async with running_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        seen = len(node.reports)
        harness.make_unavailable()
        second = node.change(9101)
        await node.wait_for_failure(harness.down_reason, after=seen)
        await node.wait_for_attempts()
        assert harness.starts == [harness.first]
        harness.make_available()
        await node.wait_in_sync(second)


@_rule
async def an_unhealthy_process_is_restarted_until_it_recovers(harness: Harness) -> None:
    async with running_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        seen = len(node.reports)
        harness.make_unhealthy()
        second = node.change(9101)
        await node.wait_for_failure("not healthy within 1 s", after=seen)
        # Each attempt gets twice as long, in case the process is only slow.
        await node.wait_for_failure("not healthy within (2|4|8|16) s.*503", after=seen)
        harness.make_healthy()
        await node.wait_in_sync(second)
        assert harness.starts[:3] == [harness.first, second, second]


@_rule
async def a_process_that_never_listens_is_restarted_until_it_does(harness: Harness) -> None:
    async with running_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        seen = len(node.reports)
        harness.configure_app(never_listens=1)
        second = node.change(9101)
        await node.wait_for_failure("not healthy within 1 s", after=seen)
        await node.wait_for_failure("not healthy within (2|4|8|16) s.*refused", after=seen)
        harness.configure_app()
        await node.wait_in_sync(second)


@_rule
async def a_process_that_exits_at_each_start_is_retried(harness: Harness) -> None:
    harness.shorten_restart_timeout()
    async with running_node(harness, startup_timeout=SHORT_STARTUP_TIMEOUT) as node:
        seen = len(node.reports)
        harness.configure_app(exit_at_start=3)
        second = node.change(9101)
        await node.wait_for_failure(harness.down_reason, after=seen)
        await node.wait_for_attempts()
        harness.configure_app()
        await node.wait_in_sync(second)


@_rule
async def changes_during_a_restart_cause_one_more_restart(harness: Harness) -> None:
    harness.configure_app(shutdown_time=2.5)
    async with running_node(harness) as node:
        node.change(9101)
        await node.until(lambda: bool(harness.events("stopping")), "the process is being stopped")
        node.change(9102)
        node.change(9103)
        last = node.change(9101, 9104)
        await node.wait_in_sync(last)
        # A process that reads its file late may have started on the last list already.
        assert len(harness.starts) <= 3


@_rule
async def a_restart_that_hangs_times_out_and_is_retried(harness: Harness) -> None:
    harness.shorten_restart_timeout()
    async with running_node(harness) as node:
        seen = len(node.reports)
        harness.hang_restarts()
        second = node.change(9101)
        if harness.can_hang:
            report = await node.wait_for_failure(f"aborted after {harness.restart_timeout:g} s: ", after=seen)
            assert report.phase in (Phase.RESTART_FAILED, Phase.CRASHED)
            await node.wait_for_attempts(1)
        harness.resume_restarts()
        await node.wait_in_sync(second)
        if not harness.can_hang:
            assert harness.starts == [harness.first, second]
            assert not any(report.phase is Phase.RESTART_FAILED for report in node.reports)


@_rule
async def the_next_sidecar_completes_an_interrupted_restart(harness: Harness) -> None:
    harness.shorten_restart_timeout()
    async with running_node(harness) as node:
        seen = len(node.reports)
        harness.hang_restarts()
        second = node.change(9101)
        if harness.can_hang:
            await node.wait_for_failure("aborted", after=seen)
        # The file holds the new list by now; the process has not loaded it.
        await node.stop()
        harness.resume_restarts()
        await node.boot()
        await node.wait_in_sync(second)


def rules(*chosen: Rule) -> pytest.MarkDecorator:
    """Run a test with each of the ``chosen`` rules."""
    return pytest.mark.parametrize(
        "rule", chosen, ids=[str(getattr(rule, "__name__", rule)) for rule in chosen]
    )


each_rule = rules(*RULES)
