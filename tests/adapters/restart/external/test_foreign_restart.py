"""Restarts by something other than the sidecar."""

from __future__ import annotations

import anyio
import pytest

from sidecar.adapters.restart.driver import Incarnation
from tests.adapters.restart.external.scripted_process import (
    NEW,
    OLD,
    ScriptedProcess,
)

pytestmark = pytest.mark.anyio


async def test_a_process_restarted_by_others_is_not_restarted_again(
    scripted: ScriptedProcess,
) -> None:
    await scripted.adopt(OLD)
    scripted.file_servers = [(-1e9, OLD), (anyio.current_time(), NEW)]
    await anyio.sleep(5.0)
    scripted.driver.incarnation = Incarnation("b", age=10.0)
    await scripted.process.restart(NEW)
    assert scripted.driver.asked == [
        Incarnation("b", age=10.0)
    ]  # on the old list, as it is from before the write
    scripted.driver.incarnation = Incarnation("c", age=0.0)
    await scripted.process.restart(NEW)
    assert len(scripted.driver.asked) == 1
    assert scripted.running.loaded == NEW


async def test_a_process_started_by_others_has_the_file_of_that_time(
    scripted: ScriptedProcess,
) -> None:
    await scripted.adopt(OLD)
    now = anyio.current_time()
    scripted.file_servers = [(now - 500.0, OLD), (now - 5.0, NEW)]
    for age, loaded in ((10.0, OLD), (1.0, NEW)):
        await scripted.becomes(Incarnation(f"age {age}", pid=7, age=age))
        assert scripted.running.loaded == loaded
        assert scripted.running.pid == 7


async def test_an_incarnation_of_unknown_age_counts_as_older(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    scripted.file_servers = [(-1e9, OLD), (anyio.current_time() + 5.0, NEW)]
    await anyio.sleep(10.0)
    await scripted.becomes(Incarnation("b"))
    assert scripted.running.loaded == OLD


async def test_an_age_in_whole_seconds_never_precedes_the_last_exit(
    scripted: ScriptedProcess,
) -> None:
    # As with Kubernetes, whose startedAt is cut off: it lies before the change of the file, up to a second.
    await scripted.adopt(OLD)
    scripted.file_servers = [(-1e9, OLD), (anyio.current_time(), NEW)]
    await scripted.process.restart(NEW)
    await anyio.sleep(0.1)
    await scripted.becomes(Incarnation("b", age=0.9))
    assert scripted.running.loaded == NEW
