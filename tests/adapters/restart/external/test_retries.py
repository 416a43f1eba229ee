"""Restarts that fail, and when they are tried again."""

from __future__ import annotations

import anyio
import pytest

from tests.adapters.restart.external.scripted_process import (
    BACKOFF,
    NEW,
    OLD,
    ScriptedProcess,
    refuse,
)

pytestmark = pytest.mark.anyio


async def test_failures_in_a_row_wait_longer_and_longer(scripted: ScriptedProcess) -> None:
    scripted.driver.on_restart = refuse
    await scripted.adopt(OLD)
    waits = []
    for _ in range(5):
        await scripted.process.restart(NEW)
        waits.append(scripted.trouble.retry_at - anyio.current_time())
    assert waits == pytest.approx([0.75, 1.5, 3.0, 6.0, 6.0])


async def test_repeated_early_exits_increase_the_wait(
    scripted: ScriptedProcess,
) -> None:
    scripted.driver.incarnation = None
    await scripted.adopt(OLD)
    counted = []
    for _ in range(3):
        await scripted.process.start(NEW)
        await scripted.becomes(None)
        counted.append(scripted.exited.failures)
    assert counted == [1, 2, 3]


async def test_failures_are_forgiven_once_it_has_stayed_up(scripted: ScriptedProcess) -> None:
    scripted.driver.on_restart = refuse
    await scripted.adopt(OLD)
    await scripted.process.restart(NEW)
    await scripted.process.restart(NEW)
    scripted.driver.on_restart = None
    await scripted.process.restart(NEW)
    scripted.driver.on_restart = refuse
    await anyio.sleep(BACKOFF.reset_after)
    await scripted.process.restart(OLD)
    assert scripted.trouble.failures == 1
