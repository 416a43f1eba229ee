"""What a process runs on when the sidecar starts."""

from __future__ import annotations

import anyio
import pytest

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.observer import OBSERVATION_TIMEOUT
from sidecar.adapters.restart.saved_state import LoadedRecord
from sidecar.domain.node.process import NotLaunched
from tests.adapters.restart.external.scripted_process import (
    NEW,
    OLD,
    ScriptedProcess,
)
from tests.builders import servers

pytestmark = pytest.mark.anyio


async def test_an_unknown_process_has_loaded_the_file_of_the_boot(scripted: ScriptedProcess) -> None:
    await scripted.adopt(OLD)
    assert (scripted.running.pid, scripted.running.loaded) == (1, OLD)
    assert scripted.running.started_at == pytest.approx(anyio.current_time() - 100.0)
    assert scripted.state_file.read() == LoadedRecord("a", OLD)


async def test_a_file_changed_after_its_start_is_no_evidence(
    scripted: ScriptedProcess,
) -> None:
    await scripted.adopt(NEW, since=-99.0)
    assert scripted.running.loaded not in (OLD, NEW)


async def test_a_file_that_is_older_than_it_says_what_it_loaded(scripted: ScriptedProcess) -> None:
    await scripted.adopt(NEW, since=-100.0)
    assert scripted.running.loaded == NEW


async def test_a_late_observation_still_knows_the_list(scripted: ScriptedProcess) -> None:
    scripted.driver.observe_delay, scripted.driver.incarnation = 3.0, Incarnation("a", pid=1, age=103.0)
    await scripted.adopt(NEW, since=-100.0)
    assert scripted.running.loaded == NEW


async def test_a_process_known_to_the_previous_sidecar_keeps_its_list(scripted: ScriptedProcess) -> None:
    scripted.state_file.write(LoadedRecord("a", OLD))
    await scripted.adopt(NEW)
    assert scripted.running.loaded == OLD


async def test_a_record_of_another_incarnation_is_ignored(scripted: ScriptedProcess) -> None:
    scripted.state_file.write(LoadedRecord("z", OLD))
    await scripted.adopt(NEW)
    assert scripted.running.loaded == NEW


async def test_what_the_process_says_itself_wins(scripted: ScriptedProcess) -> None:
    scripted.state_file.write(LoadedRecord("a", OLD))
    scripted.driver.incarnation = Incarnation("a", loaded=servers(9009))
    await scripted.adopt(NEW)
    assert scripted.running.loaded == servers(9009)


async def test_one_that_is_not_there_is_to_be_started(scripted: ScriptedProcess) -> None:
    scripted.driver.incarnation = None
    await scripted.adopt(OLD)
    assert scripted.process.state == NotLaunched()
    await scripted.process.start(NEW)
    assert (scripted.driver.asked, scripted.running.loaded) == ([None], NEW)


async def test_a_failed_observation_is_reported_and_retried(scripted: ScriptedProcess) -> None:
    scripted.driver.observe_error = "no permission"
    await scripted.adopt(OLD)
    assert scripted.exited.reason == "no permission"
    assert scripted.exited.retry_at > anyio.current_time()


async def test_one_that_shows_later_is_known_again(scripted: ScriptedProcess) -> None:
    # The previous sidecar knew that it runs on an older list than the file has.
    scripted.state_file.write(LoadedRecord("a", OLD))
    scripted.file_servers = [(-1e9, NEW)]
    scripted.driver.observe_error = "the engine is down"
    await scripted.adopt(NEW)
    scripted.driver.observe_error = ""
    await scripted.process.start(NEW)
    assert scripted.driver.asked == []
    assert scripted.running.loaded == OLD


async def test_a_look_that_hangs_is_a_trouble_after_its_time(scripted: ScriptedProcess) -> None:
    scripted.driver.observe_delay = OBSERVATION_TIMEOUT + 1
    began = anyio.current_time()
    await scripted.adopt(OLD)
    assert anyio.current_time() - began == pytest.approx(OBSERVATION_TIMEOUT)
    assert f"cannot be inspected within {OBSERVATION_TIMEOUT:g} s" in scripted.exited.reason
