"""One restart, until the next incarnation is ready."""

from __future__ import annotations

import anyio
import pytest

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.saved_state import LoadedRecord
from sidecar.domain.node.process import Exited, NotLaunched, Running
from tests.adapters.restart.external.scripted_process import (
    BACKOFF,
    NEW,
    OLD,
    TIMEOUT,
    ScriptedProcess,
    refuse,
)
from tests.builders import servers

pytestmark = pytest.mark.anyio


async def test_a_restart_ends_on_the_new_list_and_is_noted(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    await scripted.process.restart(NEW)
    assert scripted.running == Running(1, anyio.current_time(), NEW)
    assert scripted.state_file.read() == LoadedRecord("incarnation-1", NEW)


async def test_a_restart_waits_until_the_next_incarnation_is_ready(scripted: ScriptedProcess) -> None:
    async def come_up_slowly() -> None:
        scripted.driver.set_incarnation(Incarnation("b", unready_reason="it is booting"))

    async def get_ready() -> None:
        await anyio.sleep(10.0)
        scripted.driver.set_incarnation(Incarnation("b"))

    scripted.driver.on_restart = come_up_slowly
    await scripted.adopt(OLD)
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(scripted.process.restart, NEW)
        tasks.start_soon(get_ready)
    assert scripted.running.restart_failure is None
    assert anyio.current_time() - began >= 10.0


@pytest.mark.parametrize(
    ("incarnation", "why"),
    [
        (None, "did not come up"),
        (Incarnation("a"), "did not end"),
        (Incarnation("b", unready_reason="it is booting"), "it is booting"),
        (Incarnation("b", loaded=OLD), "runs on another list"),
    ],
)
async def test_a_restart_that_times_out_is_reported_with_its_reason(
    scripted: ScriptedProcess, incarnation: Incarnation | None, why: str
) -> None:
    async def end_in_that() -> None:
        scripted.driver.set_incarnation(incarnation)

    scripted.driver.on_restart = end_in_that
    await scripted.adopt(OLD)
    scripted.file_servers = [(anyio.current_time(), NEW)]
    await scripted.process.restart(NEW)
    assert scripted.failure.startswith(f"aborted after {TIMEOUT:g} s: ")
    assert scripted.failure.endswith(why)
    assert isinstance(scripted.process.state, Exited) is (incarnation is None)


async def test_a_reported_list_counts_even_without_incarnations(
    scripted: ScriptedProcess,
) -> None:
    async def load() -> None:
        scripted.driver.set_incarnation(Incarnation("a", loaded=NEW))

    scripted.driver.incarnation, scripted.driver.on_restart = Incarnation("a", loaded=OLD), load
    await scripted.adopt(OLD)
    scripted.file_servers = [(anyio.current_time(), NEW)]
    await scripted.process.restart(NEW)
    assert (scripted.running.loaded, scripted.running.restart_failure) == (NEW, None)


async def test_an_unready_process_that_loaded_the_list_is_not_restarted(
    scripted: ScriptedProcess,
) -> None:
    async def load() -> None:
        scripted.driver.set_incarnation(Incarnation("a", loaded=NEW, unready_reason="it warms up"))

    scripted.driver.incarnation, scripted.driver.on_restart = Incarnation("a", loaded=OLD), load
    await scripted.adopt(OLD)
    scripted.file_servers = [(anyio.current_time(), NEW)]
    await scripted.process.restart(NEW)
    assert scripted.trouble.reason.endswith("it warms up")
    assert scripted.running.loaded == NEW


async def test_a_process_that_reads_its_file_late_has_the_newer_list(
    scripted: ScriptedProcess,
) -> None:
    newest = servers(9000, 9003)

    async def take_time() -> None:
        await anyio.sleep(5.0)
        scripted.file_servers.append((anyio.current_time(), newest))
        scripted.driver.set_incarnation(Incarnation("b", loaded=newest))

    scripted.file_servers = [(-1e9, OLD), (anyio.current_time(), NEW)]
    scripted.driver.on_restart = take_time
    await scripted.adopt(OLD)
    asked = anyio.current_time()
    await scripted.process.restart(NEW)
    assert (scripted.running.loaded, scripted.running.restart_failure) == (newest, None)
    assert anyio.current_time() - asked < TIMEOUT
    assert scripted.state_file.read() == LoadedRecord("b", newest)


async def test_a_platform_that_does_not_answer_has_the_time_of_the_restart(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    scripted.driver.observe_delay = TIMEOUT + 1
    await scripted.process.restart(NEW)
    assert (
        scripted.trouble.reason
        == f"aborted after {TIMEOUT:g} s: the restart was requested, but has not begun"
    )


async def test_a_process_that_ends_immediately_is_not_waited_for(scripted: ScriptedProcess) -> None:
    async def fail() -> None:
        scripted.driver.set_incarnation(Incarnation("b", end_reason="it failed with status 203"))

    scripted.driver.on_restart = fail
    await scripted.adopt(OLD)
    began = anyio.current_time()
    await scripted.process.restart(NEW)
    assert anyio.current_time() == began
    assert scripted.exited.reason == "it failed with status 203"


async def test_the_exit_is_described_if_the_platform_knows_it(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    await scripted.becomes(Incarnation("a", end_reason="it failed with status 3"))
    assert scripted.exited.reason == "it failed with status 3"
    health = await scripted.process.check()
    assert (health.healthy, health.reason) == (False, "it failed with status 3")


async def test_the_pause_of_the_launcher_is_reported(
    scripted: ScriptedProcess,
) -> None:
    await scripted.adopt(OLD)
    await scripted.becomes(
        Incarnation("a ended", unready_reason="it failed; it is restarted", awaiting_restart=True)
    )
    assert scripted.running.awaiting_restart
    await scripted.becomes(Incarnation("b", pid=2, age=0.0))
    assert not scripted.running.awaiting_restart


async def test_one_that_is_over_is_started(scripted: ScriptedProcess) -> None:
    scripted.driver.incarnation = Incarnation("a", end_reason="it failed with status 3")
    await scripted.adopt(OLD)
    assert scripted.process.state == NotLaunched()
    await scripted.process.start(NEW)
    assert (scripted.driver.asked, scripted.running.loaded) == ([None], NEW)


async def test_a_refused_restart_leaves_it_running_on_the_old_list(scripted: ScriptedProcess) -> None:
    scripted.driver.on_restart = refuse
    await scripted.adopt(OLD)
    await scripted.process.restart(NEW)
    assert scripted.running.loaded == OLD
    trouble = scripted.trouble
    assert trouble.reason == "the engine says no"
    assert trouble.retry_at == anyio.current_time() + BACKOFF.delay(1, 0.5)
