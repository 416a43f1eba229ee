"""A process that something else launches, on a virtual clock: what is made of what a driver says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import anyio
import pytest
from trio.testing import MockClock

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.restart.observer import OBSERVATION_TIMEOUT
from sidecar.adapters.restart.saved_state import LoadedRecord, loaded_record_file
from sidecar.domain.errors import DriverError
from sidecar.domain.node.process import Backoff, Exited, NotLaunched, RestartFailure, Running
from sidecar.domain.servers import ServerList
from tests.adapters.restart.scripted_driver import ScriptedDriver
from tests.builders import servers

pytestmark = pytest.mark.anyio

OLD, NEW = servers(9000, 9001), servers(9000, 9001, 9002)
BACKOFF = Backoff(first=1.0, cap=8.0, reset_after=60.0)
TIMEOUT = 30.0


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


class ScriptedProcess:
    """A process over a scripted driver. ``file_servers`` maps moments to what the file held from then on."""

    def __init__(self, folder: Path, driver: ScriptedDriver) -> None:
        self.driver = driver
        self.state_file = loaded_record_file(folder)
        self.file_servers: list[tuple[float, ServerList]] = []
        self.process = ExternalProcess(
            driver,
            state_file=self.state_file,
            file_servers_at=self._file_servers_at,
            jitter=lambda: 0.5,
            restart_timeout=TIMEOUT,
            backoff=BACKOFF,
        )

    async def adopt(self, held: ServerList, *, since: float = -math.inf) -> None:
        """A sidecar starts, whose file has that list ``since`` then, or the earlier one."""
        self.file_servers = self.file_servers or [(anyio.current_time() + since, held)]
        await self.process.adopt()

    def _file_servers_at(self, moment: float) -> ServerList | None:
        return next((servers for since, servers in reversed(self.file_servers) if since <= moment), None)

    async def becomes(self, incarnation: Incarnation | None) -> None:
        """The process becomes another one, or none, while that is watched."""
        with anyio.fail_after(1000):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.process.wait_for_change)
                await anyio.wait_all_tasks_blocked()
                self.driver.set_incarnation(incarnation)

    @property
    def running(self) -> Running:
        assert isinstance(self.process.state, Running)
        return self.process.state

    @property
    def trouble(self) -> RestartFailure:
        assert self.running.restart_failure is not None
        return self.running.restart_failure

    @property
    def failure(self) -> str:
        """What is said to be wrong."""
        return self.exited.reason if isinstance(self.process.state, Exited) else self.trouble.reason

    @property
    def exited(self) -> Exited:
        assert isinstance(self.process.state, Exited)
        return self.process.state


@pytest.fixture
def scripted(tmp_path: Path) -> ScriptedProcess:
    return ScriptedProcess(tmp_path, ScriptedDriver(Incarnation("a", pid=1, age=100.0)))


async def forever() -> None:
    await anyio.sleep_forever()


async def refuse() -> None:
    raise DriverError("the engine says no")


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
    assert scripted.failure.startswith(f"cut off after {TIMEOUT:g} s: ")
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
    assert scripted.trouble.reason == f"cut off after {TIMEOUT:g} s: it was asked for, and not done by then"


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
