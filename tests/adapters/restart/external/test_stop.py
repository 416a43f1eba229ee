"""Stopping the process, leaving it, and its health."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.saved_state import LoadedRecord
from sidecar.domain.node.process import NotLaunched
from tests.adapters.restart.external.scripted_process import (
    NEW,
    OLD,
    ScriptedProcess,
    forever,
    refuse,
)

pytestmark = pytest.mark.anyio


async def test_a_stop_ends_it_and_forgets_it(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    await scripted.process.stop()
    assert scripted.process.state == NotLaunched()
    assert scripted.driver.incarnation is None
    assert scripted.state_file.read() is None


async def test_what_would_be_started_again_at_once_is_not_stopped(scripted: ScriptedProcess) -> None:
    scripted.driver.can_stop = False
    await scripted.adopt(OLD)
    await scripted.process.stop()
    assert scripted.running.loaded == OLD
    assert scripted.driver.incarnation is not None


@pytest.mark.parametrize(("how", "why"), [(refuse, "the engine says no"), (forever, "does not stop")])
async def test_a_failed_stop_is_reported_and_the_process_still_observed(
    scripted: ScriptedProcess, how: Any, why: str
) -> None:
    scripted.driver.on_stop = how
    await scripted.adopt(OLD)
    await scripted.process.stop()
    assert why in scripted.trouble.reason
    await scripted.becomes(None)
    assert scripted.exited.reason == "the process has ended"


async def test_the_end_of_the_sidecar_leaves_it_alone(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    await scripted.process.end_supervision()
    assert scripted.driver.incarnation is not None
    assert scripted.state_file.read() == LoadedRecord("a", OLD)


async def test_what_is_reloaded_in_place_lives_on_on_the_new_list(scripted: ScriptedProcess) -> None:
    async def reload() -> None:
        """It reads its file again, and no incarnation changes."""

    scripted.driver.starts_new_incarnation = False
    scripted.driver.on_restart = reload
    await scripted.adopt(OLD)
    await scripted.process.restart(NEW)
    assert scripted.running.loaded == NEW
    assert scripted.state_file.read() == LoadedRecord("a", NEW)


async def test_it_is_as_healthy_as_the_platform_says(scripted: ScriptedProcess) -> None:
    assert (await scripted.process.check()).healthy
    scripted.driver.incarnation = Incarnation("a", unready_reason="the health check failed")
    assert (await scripted.process.check()).reason == "the health check failed"
    scripted.driver.incarnation = None
    assert (await scripted.process.check()).reason == "the process does not run"
    scripted.driver.observe_error = "the engine is down"
    found = await scripted.process.check()
    assert (found.healthy, found.reason) == (False, "the engine is down")
