"""Noticing that the process has ended."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from sidecar.adapters.restart.driver import Incarnation
from sidecar.domain.errors import DriverError
from sidecar.domain.node.process import Exited
from tests.adapters.restart.external.scripted_process import (
    NEW,
    OLD,
    ScriptedProcess,
    forever,
    refuse,
)
from tests.adapters.restart.scripted_driver import ScriptedDriver

pytestmark = pytest.mark.anyio


async def test_an_end_is_seen(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    await scripted.becomes(None)
    assert scripted.exited.reason == "the process has ended"


async def test_an_unobservable_process_has_not_ended(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    before = scripted.running
    scripted.driver.observe_error = "the engine is down"
    await scripted.becomes(None)
    assert scripted.running == before


async def test_a_driver_that_cannot_watch_it_is_asked_again_later(
    tmp_path: Path,
) -> None:
    class Unwatchable(ScriptedDriver):
        async def wait_for_end(self, incarnation: Incarnation) -> None:  # noqa: ARG002 - it cannot watch any
            raise DriverError("several processes are like that")

    scripted = ScriptedProcess(tmp_path, Unwatchable(Incarnation("a")))
    await scripted.adopt(OLD)
    before, began = scripted.running, anyio.current_time()
    await scripted.process.wait_for_change()
    assert scripted.running == before
    assert anyio.current_time() > began


async def test_an_end_on_purpose_is_no_news(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    states: list[object] = []

    async def watch() -> None:
        while True:
            await scripted.process.wait_for_change()
            states.append(scripted.process.state)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await anyio.wait_all_tasks_blocked()
        await scripted.process.restart(NEW)
        await anyio.sleep(60.0)
        tasks.cancel_scope.cancel()
    assert not [state for state in states if isinstance(state, Exited)]


async def test_an_attempt_that_is_cancelled_leaves_it_watched(scripted: ScriptedProcess) -> None:
    scripted.driver.on_restart = forever
    await scripted.adopt(OLD)
    before = scripted.running
    with anyio.move_on_after(1.0):
        await scripted.process.restart(NEW)
    assert scripted.running == before
    await scripted.becomes(None)
    assert scripted.exited.reason == "the process has ended"


async def test_a_process_that_appears_during_a_failed_start_is_adopted(
    scripted: ScriptedProcess,
) -> None:
    scripted.driver.incarnation, scripted.driver.on_restart = Incarnation("a", age=1.0), refuse
    scripted.driver.empty_observations = 3  # until the start has failed
    scripted.file_servers = [(-1e9, OLD)]
    await scripted.adopt(OLD)
    await scripted.process.start(NEW)
    assert scripted.running.loaded == OLD
    assert scripted.trouble.retry_at > anyio.current_time()


async def test_a_process_that_appears_before_its_start_is_kept(scripted: ScriptedProcess) -> None:
    scripted.driver.incarnation, scripted.driver.on_restart = Incarnation("a", age=1.0), refuse
    scripted.driver.empty_observations = 2  # at boot, and at the start's first look
    scripted.file_servers = [(-1e9, OLD)]
    await scripted.adopt(OLD)
    await scripted.process.start(NEW)
    assert scripted.running.loaded == OLD
    assert scripted.running.restart_failure is None
