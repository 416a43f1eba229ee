"""The signal driver, next to real processes: which one it finds, and what it does to no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from sidecar.adapters.processes.session import no_words
from sidecar.adapters.restart.drivers.driver import Life
from sidecar.adapters.restart.drivers.signal import Pattern, PidFile, SignalDriver
from sidecar.domain.errors import DriverTrouble
from tests.build import servers
from tests.e2e.waiting import wait_until
from tests.prerequisites import require
from tests.processes import lives, number_in, until

pytestmark = pytest.mark.anyio

NOBODY = 65534


class Processes:
    """Processes that a test starts, all of them gone after it. Each has a name of its own to be found by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"{folder.name}-{os.getpid()}"
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, script: str, *, user: int | None = None) -> int:
        """Run a shell script, found by its name; with ``exec`` in it no more."""
        process = subprocess.Popen(
            ("/bin/sh", "-c", script, self.name), cwd=self.folder, start_new_session=True, user=user
        )
        self._started.append(process)
        # The kernel shows the command line a moment later than the program runs.
        command_line = Path(f"/proc/{process.pid}/cmdline")
        wait_until(lambda: command_line.read_bytes() or process.poll() is not None, "it shows")
        return process.pid

    @property
    def pattern(self) -> Pattern:
        return Pattern(self.name)

    def pid_file(self, text: str) -> PidFile:
        path = self.folder / "app.pid"
        path.write_text(text)
        return PidFile(path)

    def end(self, pid: int) -> None:
        """End it, and leave not even a zombie."""
        process = next(process for process in self._started if process.pid == pid)
        process.kill()
        process.wait()

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path)
    yield made
    made.close()


WAITS = "echo $$ > ready; while :; do sleep 1000 & wait $!; done"
"""A script that ends on SIGTERM."""


def driver(
    finder: PidFile | Pattern, signum: signal.Signals = signal.SIGTERM, stop_timeout: float = 20.0
) -> SignalDriver:
    return SignalDriver(finder, signum, stop_timeout, no_words)


async def found(finder: PidFile | Pattern) -> Life:
    life = await driver(finder).look()
    assert life is not None
    return life


async def trouble(finder: PidFile | Pattern) -> str:
    with pytest.raises(DriverTrouble) as caught:
        await driver(finder).look()
    return str(caught.value)


async def restart(of: SignalDriver) -> None:
    await of.restart(await of.look(), servers(9000))


# Finding it by a pid file.


async def test_a_pid_file_finds_its_process_and_that_ones_age(processes: Processes) -> None:
    pid = processes.start(WAITS)
    life = await found(processes.pid_file(f"{pid}\n"))
    assert life.pid == pid
    assert life.age is not None
    assert 0 <= life.age < 60


async def test_the_number_of_a_thread_is_no_process(processes: Processes) -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert await driver(processes.pid_file(str(thread.native_id))).look() is None
    finally:
        over.set()
        thread.join()


async def test_a_number_that_came_to_mean_another_is_told_and_nobody_is_signalled(
    processes: Processes,
) -> None:
    pid = processes.start(WAITS)
    finder = processes.pid_file(str(pid))
    an_hour_ago = time.time() - 3600
    os.utime(processes.folder / "app.pid", (an_hour_ago, an_hour_ago))
    assert f"s before process {pid} began, so that is another one" in await trouble(finder)
    with pytest.raises(DriverTrouble):
        await driver(finder).restart(Life("it"), servers(9000))
    assert lives(pid)


async def test_a_life_has_one_name_however_it_is_found(processes: Processes) -> None:
    pid = processes.start(WAITS)
    by_number, again = await found(processes.pid_file(str(pid))), await found(processes.pid_file(str(pid)))
    assert by_number.name == again.name == (await found(processes.pattern)).name


async def test_a_pid_file_that_is_missing_or_being_written_finds_nothing(
    processes: Processes, tmp_path: Path
) -> None:
    assert await driver(PidFile(tmp_path / "none")).look() is None
    assert await driver(processes.pid_file("")).look() is None
    assert await driver(processes.pid_file("\n")).look() is None


@pytest.mark.parametrize("text", ["java", "-1", "0", "12 13", "1e3", "²", "9" * 400])
async def test_a_pid_file_of_something_else_is_told(processes: Processes, text: str) -> None:
    said = await trouble(processes.pid_file(text))
    assert "app.pid" in said
    assert len(said) < 500


async def test_a_pid_file_that_cannot_be_read_is_told(tmp_path: Path, processes: Processes) -> None:
    assert "cannot be read" in await trouble(PidFile(tmp_path))
    (tmp_path / "app.pid").write_bytes(b"\xff\xfe1")
    assert "cannot be read" in await trouble(PidFile(tmp_path / "app.pid"))


async def test_a_number_of_nobody_finds_nothing(processes: Processes) -> None:
    pid = processes.start(WAITS)
    processes.end(pid)
    assert await driver(processes.pid_file(str(pid))).look() is None


async def test_a_zombie_does_not_run(processes: Processes) -> None:
    pid = processes.start("exit 0")
    await until(lambda: not lives(pid))
    assert await driver(processes.pid_file(str(pid))).look() is None


async def test_a_number_that_is_used_again_is_another_life_and_is_not_signalled(processes: Processes) -> None:
    pid = processes.start(WAITS)
    of = driver(processes.pid_file(str(pid)))
    life = await of.look()
    assert life is not None
    number, ticks, *boot = life.name.split()
    before = Life(" ".join((number, str(int(ticks) - 1), *boot)), pid)
    await of.restart(before, servers(9000))
    assert lives(pid)
    with anyio.fail_after(20):
        await of.ended(before)  # it has ended: this is its successor


# Finding it by a pattern.


async def test_a_pattern_finds_its_process(processes: Processes) -> None:
    pid = processes.start(WAITS)
    assert (await found(processes.pattern)).pid == pid


async def test_a_pattern_that_nobody_is_like_finds_nothing(processes: Processes) -> None:
    assert await driver(processes.pattern).look() is None


async def test_several_that_are_alike_are_told_by_number(processes: Processes) -> None:
    first, second = processes.start(WAITS), processes.start(WAITS)
    said = await trouble(processes.pattern)
    assert str(first) in said
    assert str(second) in said
    assert "write a pattern that finds one" in said


async def test_of_a_parent_and_its_child_the_parent_is_meant(processes: Processes, tmp_path: Path) -> None:
    pid = processes.start(f'sh -c "echo \\$\\$ > child; sleep 1000; exit 0" {processes.name} & wait')
    await number_in(tmp_path / "child")
    assert (await found(processes.pattern)).pid == pid


async def test_a_grandchild_behind_one_that_is_not_alike_is_no_rival(
    processes: Processes, tmp_path: Path
) -> None:
    grandchild = f'sh -c "echo \\$\\$ > grandchild; sleep 1000; exit 0" {processes.name} & wait'
    (tmp_path / "between.sh").write_text(grandchild)
    pid = processes.start("sh between.sh & wait")
    await number_in(tmp_path / "grandchild")
    assert (await found(processes.pattern)).pid == pid


LOOK = """
import sys
import anyio
from sidecar.adapters.processes.session import no_words
from sidecar.adapters.restart.drivers.signal import Pattern, SignalDriver

life = anyio.run(SignalDriver(Pattern(sys.argv[1]), 15, 1.0, no_words).look)
print(life.pid if life else None)
"""


async def test_neither_the_sidecar_itself_nor_its_ancestors_are_meant(processes: Processes) -> None:
    # Both the shell and the Python that it runs have the name in their command line.
    script = f"{sys.executable} -c '{LOOK}' {processes.name}; exit 0"
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    ran = await anyio.run_process(("/bin/sh", "-c", script, processes.name), env=environ)
    assert ran.stdout.decode().strip() == "None"


@pytest.mark.parametrize("option", ["--signal-pattern {}", "--signal-pattern={}"])
async def test_another_nodes_sidecar_is_not_meant(processes: Processes, option: str) -> None:
    words = option.format(processes.name)
    sidecar = processes.start(f"exec sh -c 'sleep 1000; exit 0' sidecar run {words}")
    command_line = Path(f"/proc/{sidecar}/cmdline")
    await until(lambda: b"sidecar\0run" in command_line.read_bytes())
    pid = processes.start(WAITS)
    assert (await found(processes.pattern)).pid == pid


# What is done to it.


async def test_a_restart_ends_it(processes: Processes, tmp_path: Path) -> None:
    pid = processes.start(WAITS)
    await number_in(tmp_path / "ready")
    await restart(driver(processes.pattern))
    assert not lives(pid)


async def test_one_that_ignores_sigterm_is_asked_for_last_words_and_killed(
    processes: Processes, tmp_path: Path
) -> None:
    asked: list[int] = []

    async def last_words(pid: int) -> None:
        assert lives(pid)
        asked.append(pid)

    pid = processes.start(f"trap '' TERM; {WAITS}")
    await number_in(tmp_path / "ready")
    await restart(SignalDriver(processes.pattern, signal.SIGTERM, 0.1, last_words))
    assert asked == [pid]
    assert not lives(pid)


async def test_the_signal_to_end_it_by_can_be_another(processes: Processes, tmp_path: Path) -> None:
    pid = processes.start(f"trap 'echo 1 > interrupted; exit 0' INT; {WAITS}")
    await number_in(tmp_path / "ready")
    await restart(driver(processes.pattern, signal.SIGINT))
    assert not lives(pid)
    assert (tmp_path / "interrupted").exists()


@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
async def test_a_reload_in_place_only_tells_it(
    processes: Processes, tmp_path: Path, signum: signal.Signals
) -> None:
    of = driver(processes.pattern, signum)
    assert not of.replaces
    pid = processes.start(f"trap 'echo 1 > heard' {signum.name.removeprefix('SIG')}; {WAITS}")
    await number_in(tmp_path / "ready")
    before = await of.look()
    await restart(of)
    await number_in(tmp_path / "heard")
    assert lives(pid)
    after = await of.look()
    assert before is not None
    assert after is not None
    assert after.name == before.name


async def test_where_there_is_none_its_launcher_is_waited_for(processes: Processes) -> None:
    await driver(processes.pattern).restart(None, servers(9000))


async def test_its_end_is_seen(processes: Processes) -> None:
    pid = processes.start(WAITS)
    of = driver(processes.pattern)
    life = await of.look()
    assert life is not None
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(of.ended, life)
            await anyio.wait_all_tasks_blocked()
            processes.end(pid)


async def test_it_is_not_stopped_as_it_would_be_started_again(processes: Processes) -> None:
    of = driver(processes.pattern)
    assert not of.keeps_stopped
    with pytest.raises(DriverTrouble, match="stop it there"):
        await of.stop()


RESTART = """
import os
import sys
import anyio
from sidecar.adapters.processes.session import no_words
from sidecar.adapters.restart.drivers.signal import Pattern, SignalDriver
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.servers import ServerList

async def main():
    driver = SignalDriver(Pattern(sys.argv[1]), 15, 1.0, no_words)
    life = await driver.look()
    # Only now, when all is imported: the other user need not be able to read it.
    os.setgroups([])
    os.setgid({user})
    os.setuid({user})
    try:
        await driver.restart(life, ServerList(()))
    except DriverTrouble as exc:
        print(exc)

anyio.run(main)
"""


async def test_a_signal_that_is_not_allowed_says_what_to_do(processes: Processes) -> None:
    require(os.geteuid() == 0, "root, to become another user")
    pid = processes.start(WAITS)
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    argv = (sys.executable, "-c", RESTART.format(user=NOBODY), processes.name)
    ran = await anyio.run_process(argv, env=environ, stderr=None)
    said = ran.stdout.decode()
    assert f"not allowed to signal process {pid}" in said
    assert "run the sidecar as the same user, or give it the capability KILL" in said
    assert lives(pid)
