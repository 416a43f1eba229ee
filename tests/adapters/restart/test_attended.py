"""A process that something else launches, on a virtual clock: what is made of what a driver says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import anyio
import pytest
from trio.testing import MockClock

from sidecar.adapters.restart.drivers.driver import Life
from sidecar.adapters.restart.external import Attended
from sidecar.adapters.restart.observer import LOOK
from sidecar.adapters.restart.saved_state import Seen, seen_memory
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.node.process import Backoff, Exited, NotLaunched, Running, Trouble
from sidecar.domain.servers import ServerList
from tests.adapters.restart.scripted import ScriptedDriver
from tests.build import servers

pytestmark = pytest.mark.anyio

OLD, NEW = servers(9000, 9001), servers(9000, 9001, 9002)
BACKOFF = Backoff(first=1.0, cap=8.0, forgiven_after=60.0)
TIMEOUT = 30.0


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


class Attending:
    """A process over a scripted driver. ``held`` maps moments to what the file held from then on."""

    def __init__(self, folder: Path, driver: ScriptedDriver) -> None:
        self.driver = driver
        self.memory = seen_memory(folder)
        self.held: list[tuple[float, ServerList]] = []
        self.process = Attended(
            driver,
            memory=self.memory,
            held=self._held_at,
            jitter=lambda: 0.5,
            restart_timeout=TIMEOUT,
            backoff=BACKOFF,
        )

    async def adopt(self, held: ServerList, *, since: float = -math.inf) -> None:
        """A sidecar starts, whose file holds that list ``since`` then, or what was told before."""
        self.held = self.held or [(anyio.current_time() + since, held)]
        await self.process.adopt()

    def _held_at(self, moment: float) -> ServerList | None:
        return next((servers for since, servers in reversed(self.held) if since <= moment), None)

    async def sees(self, life: Life | None) -> None:
        """The process becomes another one, or none, while that is watched."""
        with anyio.fail_after(1000):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.process.changed)
                await anyio.wait_all_tasks_blocked()
                self.driver.becomes(life)

    @property
    def running(self) -> Running:
        assert isinstance(self.process.state, Running)
        return self.process.state

    @property
    def trouble(self) -> Trouble:
        assert self.running.trouble is not None
        return self.running.trouble

    @property
    def told(self) -> str:
        """What is said to be wrong."""
        return self.exited.reason if isinstance(self.process.state, Exited) else self.trouble.reason

    @property
    def exited(self) -> Exited:
        assert isinstance(self.process.state, Exited)
        return self.process.state


@pytest.fixture
def attending(tmp_path: Path) -> Attending:
    return Attending(tmp_path, ScriptedDriver(Life("a", pid=1, age=100.0)))


async def forever() -> None:
    await anyio.sleep_forever()


async def refuse() -> None:
    raise DriverTrouble("the engine says no")


async def test_one_that_is_not_known_runs_on_what_the_file_held_at_boot(attending: Attending) -> None:
    await attending.adopt(OLD)
    assert (attending.running.pid, attending.running.loaded) == (1, OLD)
    assert attending.running.since == pytest.approx(anyio.current_time() - 100.0)
    assert attending.memory.read() == Seen("a", OLD)


async def test_a_file_that_changed_after_it_began_says_nothing_of_what_it_loaded(
    attending: Attending,
) -> None:
    await attending.adopt(NEW, since=-99.0)
    assert attending.running.loaded not in (OLD, NEW)


async def test_a_file_that_is_older_than_it_says_what_it_loaded(attending: Attending) -> None:
    await attending.adopt(NEW, since=-100.0)
    assert attending.running.loaded == NEW


async def test_a_sidecar_that_takes_its_time_to_look_knows_it_all_the_same(attending: Attending) -> None:
    attending.driver.slow, attending.driver.life = 3.0, Life("a", pid=1, age=103.0)
    await attending.adopt(NEW, since=-100.0)
    assert attending.running.loaded == NEW


async def test_one_that_a_former_life_knew_runs_on_what_that_noted(attending: Attending) -> None:
    attending.memory.write(Seen("a", OLD))
    await attending.adopt(NEW)
    assert attending.running.loaded == OLD


async def test_what_was_noted_of_another_life_says_nothing(attending: Attending) -> None:
    attending.memory.write(Seen("z", OLD))
    await attending.adopt(NEW)
    assert attending.running.loaded == NEW


async def test_what_the_process_says_itself_wins(attending: Attending) -> None:
    attending.memory.write(Seen("a", OLD))
    attending.driver.life = Life("a", loaded=servers(9009))
    await attending.adopt(NEW)
    assert attending.running.loaded == servers(9009)


async def test_one_that_is_not_there_is_to_be_started(attending: Attending) -> None:
    attending.driver.life = None
    await attending.adopt(OLD)
    assert attending.process.state == NotLaunched()
    await attending.process.start(NEW)
    assert (attending.driver.asked, attending.running.loaded) == ([None], NEW)


async def test_one_that_cannot_be_looked_at_is_told_and_tried_again(attending: Attending) -> None:
    attending.driver.blind = "no permission"
    await attending.adopt(OLD)
    assert attending.exited.reason == "no permission"
    assert attending.exited.retry_at > anyio.current_time()


async def test_one_that_shows_later_is_known_again(attending: Attending) -> None:
    # The sidecar's former life knew that it runs on an older list than the file holds.
    attending.memory.write(Seen("a", OLD))
    attending.held = [(-1e9, NEW)]
    attending.driver.blind = "the engine is down"
    await attending.adopt(NEW)
    attending.driver.blind = ""
    await attending.process.start(NEW)
    assert attending.driver.asked == []
    assert attending.running.loaded == OLD


async def test_a_look_that_hangs_is_a_trouble_after_its_time(attending: Attending) -> None:
    attending.driver.slow = LOOK + 1
    began = anyio.current_time()
    await attending.adopt(OLD)
    assert anyio.current_time() - began == pytest.approx(LOOK)
    assert f"cannot be looked at within {LOOK:g} s" in attending.exited.reason


async def test_a_restart_ends_on_the_new_list_and_is_noted(attending: Attending) -> None:
    await attending.adopt(OLD)
    await attending.process.restart(NEW)
    assert attending.running == Running(1, anyio.current_time(), NEW)
    assert attending.memory.read() == Seen("life-1", NEW)


async def test_a_restart_waits_until_the_next_life_is_ready(attending: Attending) -> None:
    async def come_up_slowly() -> None:
        attending.driver.becomes(Life("b", unready="it is booting"))

    async def get_ready() -> None:
        await anyio.sleep(10.0)
        attending.driver.becomes(Life("b"))

    attending.driver.on_restart = come_up_slowly
    await attending.adopt(OLD)
    began = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(attending.process.restart, NEW)
        tasks.start_soon(get_ready)
    assert attending.running.trouble is None
    assert anyio.current_time() - began >= 10.0


@pytest.mark.parametrize(
    ("life", "why"),
    [
        (None, "did not come up"),
        (Life("a"), "did not end"),
        (Life("b", unready="it is booting"), "it is booting"),
        (Life("b", loaded=OLD), "runs on another list"),
    ],
)
async def test_what_a_restart_waited_for_in_vain_is_told(
    attending: Attending, life: Life | None, why: str
) -> None:
    async def end_in_that() -> None:
        attending.driver.becomes(life)

    attending.driver.on_restart = end_in_that
    await attending.adopt(OLD)
    attending.held = [(anyio.current_time(), NEW)]
    await attending.process.restart(NEW)
    assert attending.told.startswith(f"cut off after {TIMEOUT:g} s: ")
    assert attending.told.endswith(why)
    assert isinstance(attending.process.state, Exited) is (life is None)


async def test_one_whose_lives_look_the_same_and_that_says_what_it_loaded_is_believed(
    attending: Attending,
) -> None:
    async def load() -> None:
        attending.driver.becomes(Life("a", loaded=NEW))

    attending.driver.life, attending.driver.on_restart = Life("a", loaded=OLD), load
    await attending.adopt(OLD)
    attending.held = [(anyio.current_time(), NEW)]
    await attending.process.restart(NEW)
    assert (attending.running.loaded, attending.running.trouble) == (NEW, None)


async def test_one_that_loaded_it_and_does_not_get_ready_is_not_asked_to_load_it_again(
    attending: Attending,
) -> None:
    async def load() -> None:
        attending.driver.becomes(Life("a", loaded=NEW, unready="it warms up"))

    attending.driver.life, attending.driver.on_restart = Life("a", loaded=OLD), load
    await attending.adopt(OLD)
    attending.held = [(anyio.current_time(), NEW)]
    await attending.process.restart(NEW)
    assert attending.trouble.reason.endswith("it warms up")
    assert attending.running.loaded == NEW


async def test_one_that_reads_its_file_late_has_loaded_what_that_held_by_then(attending: Attending) -> None:
    newest = servers(9000, 9003)

    async def take_time() -> None:
        await anyio.sleep(5.0)
        attending.held.append((anyio.current_time(), newest))
        attending.driver.becomes(Life("b", loaded=newest))

    attending.held = [(-1e9, OLD), (anyio.current_time(), NEW)]
    attending.driver.on_restart = take_time
    await attending.adopt(OLD)
    asked = anyio.current_time()
    await attending.process.restart(NEW)
    assert (attending.running.loaded, attending.running.trouble) == (newest, None)
    assert anyio.current_time() - asked < TIMEOUT
    assert attending.memory.read() == Seen("b", newest)


async def test_a_platform_that_does_not_answer_has_the_time_of_the_restart(attending: Attending) -> None:
    await attending.adopt(OLD)
    attending.driver.slow = TIMEOUT + 1
    await attending.process.restart(NEW)
    assert attending.trouble.reason == f"cut off after {TIMEOUT:g} s: it was asked for, and not done by then"


async def test_one_that_is_over_as_soon_as_it_began_is_not_waited_for(attending: Attending) -> None:
    async def fail() -> None:
        attending.driver.becomes(Life("b", over="it failed with status 203"))

    attending.driver.on_restart = fail
    await attending.adopt(OLD)
    began = anyio.current_time()
    await attending.process.restart(NEW)
    assert anyio.current_time() == began
    assert attending.exited.reason == "it failed with status 203"


async def test_how_it_ended_is_told_where_the_platform_tells_it(attending: Attending) -> None:
    await attending.adopt(OLD)
    await attending.sees(Life("a", over="it failed with status 3"))
    assert attending.exited.reason == "it failed with status 3"
    health = await attending.process.check()
    assert (health.healthy, health.reason) == (False, "it failed with status 3")


async def test_the_pause_before_its_launcher_begins_the_next_is_told_as_one(attending: Attending) -> None:
    await attending.adopt(OLD)
    await attending.sees(Life("a ended", unready="it failed; it is restarted", between=True))
    assert attending.running.between
    await attending.sees(Life("b", pid=2, age=0.0))
    assert not attending.running.between


async def test_one_that_is_over_is_started(attending: Attending) -> None:
    attending.driver.life = Life("a", over="it failed with status 3")
    await attending.adopt(OLD)
    assert attending.process.state == NotLaunched()
    await attending.process.start(NEW)
    assert (attending.driver.asked, attending.running.loaded) == ([None], NEW)


async def test_a_refused_restart_leaves_it_running_on_the_old_list(attending: Attending) -> None:
    attending.driver.on_restart = refuse
    await attending.adopt(OLD)
    await attending.process.restart(NEW)
    assert attending.running.loaded == OLD
    trouble = attending.trouble
    assert trouble.reason == "the engine says no"
    assert trouble.retry_at == anyio.current_time() + BACKOFF.delay(1, 0.5)


async def test_failures_in_a_row_wait_longer_and_longer(attending: Attending) -> None:
    attending.driver.on_restart = refuse
    await attending.adopt(OLD)
    waits = []
    for _ in range(5):
        await attending.process.restart(NEW)
        waits.append(attending.trouble.retry_at - anyio.current_time())
    assert waits == pytest.approx([0.75, 1.5, 3.0, 6.0, 6.0])


async def test_one_that_ends_soon_after_each_start_is_waited_for_longer_and_longer(
    attending: Attending,
) -> None:
    attending.driver.life = None
    await attending.adopt(OLD)
    counted = []
    for _ in range(3):
        await attending.process.start(NEW)
        await attending.sees(None)
        counted.append(attending.exited.failures)
    assert counted == [1, 2, 3]


async def test_failures_are_forgiven_once_it_has_stayed_up(attending: Attending) -> None:
    attending.driver.on_restart = refuse
    await attending.adopt(OLD)
    await attending.process.restart(NEW)
    await attending.process.restart(NEW)
    attending.driver.on_restart = None
    await attending.process.restart(NEW)
    attending.driver.on_restart = refuse
    await anyio.sleep(BACKOFF.forgiven_after)
    await attending.process.restart(OLD)
    assert attending.trouble.failures == 1


async def test_one_that_somebody_else_has_restarted_meanwhile_is_not_restarted_again(
    attending: Attending,
) -> None:
    await attending.adopt(OLD)
    attending.held = [(-1e9, OLD), (anyio.current_time(), NEW)]
    await anyio.sleep(5.0)
    attending.driver.life = Life("b", age=10.0)
    await attending.process.restart(NEW)
    assert attending.driver.asked == [Life("b", age=10.0)]  # on the old list, as it is from before the write
    attending.driver.life = Life("c", age=0.0)
    await attending.process.restart(NEW)
    assert len(attending.driver.asked) == 1
    assert attending.running.loaded == NEW


async def test_a_life_that_somebody_else_began_runs_on_what_the_file_held_then(attending: Attending) -> None:
    await attending.adopt(OLD)
    now = anyio.current_time()
    attending.held = [(now - 500.0, OLD), (now - 5.0, NEW)]
    for age, loaded in ((10.0, OLD), (1.0, NEW)):
        await attending.sees(Life(f"of age {age}", pid=7, age=age))
        assert attending.running.loaded == loaded
        assert attending.running.pid == 7


async def test_a_life_of_unknown_age_is_taken_for_one_on_the_older_list(attending: Attending) -> None:
    await attending.adopt(OLD)
    attending.held = [(-1e9, OLD), (anyio.current_time() + 5.0, NEW)]
    await anyio.sleep(10.0)
    await attending.sees(Life("b"))
    assert attending.running.loaded == OLD


async def test_a_life_whose_age_is_told_in_whole_seconds_is_not_older_than_the_end_of_the_one_before(
    attending: Attending,
) -> None:
    # As with Kubernetes, whose startedAt is cut off: it lies before the change of the file, up to a second.
    await attending.adopt(OLD)
    attending.held = [(-1e9, OLD), (anyio.current_time(), NEW)]
    await attending.process.restart(NEW)
    await anyio.sleep(0.1)
    await attending.sees(Life("b", age=0.9))
    assert attending.running.loaded == NEW


async def test_an_end_is_seen(attending: Attending) -> None:
    await attending.adopt(OLD)
    await attending.sees(None)
    assert attending.exited.reason == "the process has ended"


async def test_an_end_of_which_nothing_can_be_told_is_no_end(attending: Attending) -> None:
    await attending.adopt(OLD)
    before = attending.running
    attending.driver.blind = "the engine is down"
    await attending.sees(None)
    assert attending.running == before


async def test_a_driver_that_cannot_watch_it_is_asked_again_later(
    tmp_path: Path,
) -> None:
    class Unwatchable(ScriptedDriver):
        async def ended(self, life: Life) -> None:  # noqa: ARG002 - it cannot watch any
            raise DriverTrouble("several processes are like that")

    attending = Attending(tmp_path, Unwatchable(Life("a")))
    await attending.adopt(OLD)
    before, began = attending.running, anyio.current_time()
    await attending.process.changed()
    assert attending.running == before
    assert anyio.current_time() > began


async def test_an_end_on_purpose_is_no_news(attending: Attending) -> None:
    await attending.adopt(OLD)
    states: list[object] = []

    async def watch() -> None:
        while True:
            await attending.process.changed()
            states.append(attending.process.state)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await anyio.wait_all_tasks_blocked()
        await attending.process.restart(NEW)
        await anyio.sleep(60.0)
        tasks.cancel_scope.cancel()
    assert not [state for state in states if isinstance(state, Exited)]


async def test_an_attempt_that_is_cancelled_leaves_it_watched(attending: Attending) -> None:
    attending.driver.on_restart = forever
    await attending.adopt(OLD)
    before = attending.running
    with anyio.move_on_after(1.0):
        await attending.process.restart(NEW)
    assert attending.running == before
    await attending.sees(None)
    assert attending.exited.reason == "the process has ended"


async def test_one_that_shows_during_a_start_that_fails_is_known_from_then_on(attending: Attending) -> None:
    attending.driver.life, attending.driver.on_restart = Life("a", age=1.0), refuse
    attending.driver.comes_late = 3  # until the start has failed
    attending.held = [(-1e9, OLD)]
    await attending.adopt(OLD)
    await attending.process.start(NEW)
    assert attending.running.loaded == OLD
    assert attending.trouble.retry_at > anyio.current_time()


async def test_one_that_shows_just_before_it_is_started_is_left_as_it_is(attending: Attending) -> None:
    attending.driver.life, attending.driver.on_restart = Life("a", age=1.0), refuse
    attending.driver.comes_late = 2  # at boot, and at the start's first look
    attending.held = [(-1e9, OLD)]
    await attending.adopt(OLD)
    await attending.process.start(NEW)
    assert attending.running.loaded == OLD
    assert attending.running.trouble is None


async def test_a_stop_ends_it_and_forgets_it(attending: Attending) -> None:
    await attending.adopt(OLD)
    await attending.process.stop()
    assert attending.process.state == NotLaunched()
    assert attending.driver.life is None
    assert attending.memory.read() is None


async def test_what_would_be_started_again_at_once_is_not_stopped(attending: Attending) -> None:
    attending.driver.keeps_stopped = False
    await attending.adopt(OLD)
    await attending.process.stop()
    assert attending.running.loaded == OLD
    assert attending.driver.life is not None


@pytest.mark.parametrize(("how", "why"), [(refuse, "the engine says no"), (forever, "does not stop")])
async def test_a_stop_that_fails_is_told_and_it_is_still_watched(
    attending: Attending, how: Any, why: str
) -> None:
    attending.driver.on_stop = how
    await attending.adopt(OLD)
    await attending.process.stop()
    assert why in attending.trouble.reason
    await attending.sees(None)
    assert attending.exited.reason == "the process has ended"


async def test_the_end_of_the_sidecar_leaves_it_alone(attending: Attending) -> None:
    await attending.adopt(OLD)
    await attending.process.release()
    assert attending.driver.life is not None
    assert attending.memory.read() == Seen("a", OLD)


async def test_what_is_reloaded_in_place_lives_on_on_the_new_list(attending: Attending) -> None:
    async def reload() -> None:
        """It reads its file anew, and nothing shows."""

    attending.driver.replaces = False
    attending.driver.on_restart = reload
    await attending.adopt(OLD)
    await attending.process.restart(NEW)
    assert attending.running.loaded == NEW
    assert attending.memory.read() == Seen("a", NEW)


async def test_it_is_as_healthy_as_the_platform_says(attending: Attending) -> None:
    assert (await attending.process.check()).healthy
    attending.driver.life = Life("a", unready="the health check failed")
    assert (await attending.process.check()).reason == "the health check failed"
    attending.driver.life = None
    assert (await attending.process.check()).reason == "the process does not run"
    attending.driver.blind = "the engine is down"
    found = await attending.process.check()
    assert (found.healthy, found.reason) == (False, "the engine is down")
