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

from sidecar.adapters.processes.session import no_hook
from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.drivers.signal import CommandLinePattern, PidFile, SignalDriver
from sidecar.domain.errors import DriverError
from tests.builders import servers
from tests.kit.prerequisites import require
from tests.kit.processes import is_alive, poll_until, read_pid
from tests.kit.waiting import wait_until

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
    def pattern(self) -> CommandLinePattern:
        return CommandLinePattern(self.name)

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
    finder: PidFile | CommandLinePattern, signum: signal.Signals = signal.SIGTERM, stop_timeout: float = 20.0
) -> SignalDriver:
    return SignalDriver(finder, signum, stop_timeout, no_hook)


async def observed(finder: PidFile | CommandLinePattern) -> Incarnation:
    incarnation = await driver(finder).observe()
    assert incarnation is not None
    return incarnation


async def error_of(finder: PidFile | CommandLinePattern) -> str:
    with pytest.raises(DriverError) as caught:
        await driver(finder).observe()
    return str(caught.value)


async def restart(of: SignalDriver) -> None:
    await of.restart(await of.observe(), servers(9000))


# Finding it by a pid file.


async def test_a_pid_file_finds_its_process_and_that_ones_age(processes: Processes) -> None:
    pid = processes.start(WAITS)
    incarnation = await observed(processes.pid_file(f"{pid}\n"))
    assert incarnation.pid == pid
    assert incarnation.age is not None
    assert 0 <= incarnation.age < 60


async def test_the_number_of_a_thread_is_no_process(processes: Processes) -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert await driver(processes.pid_file(str(thread.native_id))).observe() is None
    finally:
        over.set()
        thread.join()


async def test_a_reused_pid_is_reported_and_not_signalled(
    processes: Processes,
) -> None:
    pid = processes.start(WAITS)
    finder = processes.pid_file(str(pid))
    an_hour_ago = time.time() - 3600
    os.utime(processes.folder / "app.pid", (an_hour_ago, an_hour_ago))
    assert f"process {pid} started" in await error_of(finder)
    with pytest.raises(DriverError):
        await driver(finder).restart(Incarnation("it"), servers(9000))
    assert is_alive(pid)


async def test_an_incarnation_has_one_id_however_it_is_found(processes: Processes) -> None:
    pid = processes.start(WAITS)
    by_number, again = (
        await observed(processes.pid_file(str(pid))),
        await observed(processes.pid_file(str(pid))),
    )
    assert by_number.id == again.id == (await observed(processes.pattern)).id


async def test_a_pid_file_that_is_missing_or_being_written_finds_nothing(
    processes: Processes, tmp_path: Path
) -> None:
    assert await driver(PidFile(tmp_path / "none")).observe() is None
    assert await driver(processes.pid_file("")).observe() is None
    assert await driver(processes.pid_file("\n")).observe() is None


@pytest.mark.parametrize("text", ["java", "-1", "0", "12 13", "1e3", "²", "9" * 400])
async def test_an_invalid_pid_file_is_reported(processes: Processes, text: str) -> None:
    said = await error_of(processes.pid_file(text))
    assert "app.pid" in said
    assert len(said) < 500


async def test_an_unreadable_pid_file_is_reported(tmp_path: Path, processes: Processes) -> None:
    assert "cannot be read" in await error_of(PidFile(tmp_path))
    (tmp_path / "app.pid").write_bytes(b"\xff\xfe1")
    assert "cannot be read" in await error_of(PidFile(tmp_path / "app.pid"))


async def test_an_unused_pid_finds_nothing(processes: Processes) -> None:
    pid = processes.start(WAITS)
    processes.end(pid)
    assert await driver(processes.pid_file(str(pid))).observe() is None


async def test_a_zombie_does_not_run(processes: Processes) -> None:
    pid = processes.start("exit 0")
    await poll_until(lambda: not is_alive(pid))
    assert await driver(processes.pid_file(str(pid))).observe() is None


async def test_a_reused_pid_is_another_incarnation_and_not_signalled(processes: Processes) -> None:
    pid = processes.start(WAITS)
    of = driver(processes.pid_file(str(pid)))
    incarnation = await of.observe()
    assert incarnation is not None
    number, ticks, *boot = incarnation.id.split()
    before = Incarnation(" ".join((number, str(int(ticks) - 1), *boot)), pid)
    await of.restart(before, servers(9000))
    assert is_alive(pid)
    with anyio.fail_after(20):
        await of.wait_for_end(before)  # it has ended: this is its successor


# Finding it by a pattern.


async def test_a_pattern_finds_its_process(processes: Processes) -> None:
    pid = processes.start(WAITS)
    assert (await observed(processes.pattern)).pid == pid


async def test_a_pattern_without_a_match_finds_nothing(processes: Processes) -> None:
    assert await driver(processes.pattern).observe() is None


async def test_several_matches_are_reported_with_their_pids(processes: Processes) -> None:
    first, second = processes.start(WAITS), processes.start(WAITS)
    said = await error_of(processes.pattern)
    assert str(first) in said
    assert str(second) in said
    assert "make it more specific" in said


async def test_of_a_parent_and_its_child_the_parent_is_meant(processes: Processes, tmp_path: Path) -> None:
    pid = processes.start(f'sh -c "echo \\$\\$ > child; sleep 1000; exit 0" {processes.name} & wait')
    await read_pid(tmp_path / "child")
    assert (await observed(processes.pattern)).pid == pid


async def test_a_matching_grandchild_is_not_another_match(processes: Processes, tmp_path: Path) -> None:
    grandchild = f'sh -c "echo \\$\\$ > grandchild; sleep 1000; exit 0" {processes.name} & wait'
    (tmp_path / "between.sh").write_text(grandchild)
    pid = processes.start("sh between.sh & wait")
    await read_pid(tmp_path / "grandchild")
    assert (await observed(processes.pattern)).pid == pid


LOOK = """
import sys
import anyio
from sidecar.adapters.processes.session import no_hook
from sidecar.adapters.restart.drivers.signal import CommandLinePattern, SignalDriver

incarnation = anyio.run(SignalDriver(CommandLinePattern(sys.argv[1]), 15, 1.0, no_hook).observe)
print(incarnation.pid if incarnation else None)
"""


async def test_neither_the_sidecar_itself_nor_its_ancestors_are_meant(processes: Processes) -> None:
    # Both the shell and the Python that it runs have the name in their command line.
    script = f"{sys.executable} -c '{LOOK}' {processes.name}; exit 0"
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    ran = await anyio.run_process(("/bin/sh", "-c", script, processes.name), env=environ)
    assert ran.stdout.decode().strip() == "None"


@pytest.mark.parametrize("option", ["--signal-pattern {}", "--signal-pattern={}"])
async def test_another_nodes_sidecar_is_not_meant(processes: Processes, option: str) -> None:
    words = option.format(processes.name)
    sidecar = processes.start(f"exec sh -c 'sleep 1000; exit 0' sidecar run {words}")
    command_line = Path(f"/proc/{sidecar}/cmdline")
    await poll_until(lambda: b"sidecar\0run" in command_line.read_bytes())
    pid = processes.start(WAITS)
    assert (await observed(processes.pattern)).pid == pid


# What is done to it.


async def test_a_restart_ends_it(processes: Processes, tmp_path: Path) -> None:
    pid = processes.start(WAITS)
    await read_pid(tmp_path / "ready")
    await restart(driver(processes.pattern))
    assert not is_alive(pid)


async def test_one_that_ignores_sigterm_is_asked_for_last_words_and_killed(
    processes: Processes, tmp_path: Path
) -> None:
    asked: list[int] = []

    async def last_words(pid: int) -> None:
        assert is_alive(pid)
        asked.append(pid)

    pid = processes.start(f"trap '' TERM; {WAITS}")
    await read_pid(tmp_path / "ready")
    await restart(SignalDriver(processes.pattern, signal.SIGTERM, 0.1, last_words))
    assert asked == [pid]
    assert not is_alive(pid)


async def test_the_signal_to_end_it_by_can_be_another(processes: Processes, tmp_path: Path) -> None:
    pid = processes.start(f"trap 'echo 1 > interrupted; exit 0' INT; {WAITS}")
    await read_pid(tmp_path / "ready")
    await restart(driver(processes.pattern, signal.SIGINT))
    assert not is_alive(pid)
    assert (tmp_path / "interrupted").exists()


@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
async def test_a_reload_in_place_only_sends_the_signal(
    processes: Processes, tmp_path: Path, signum: signal.Signals
) -> None:
    of = driver(processes.pattern, signum)
    assert not of.starts_new_incarnation
    pid = processes.start(f"trap 'echo 1 > heard' {signum.name.removeprefix('SIG')}; {WAITS}")
    await read_pid(tmp_path / "ready")
    before = await of.observe()
    await restart(of)
    await read_pid(tmp_path / "heard")
    assert is_alive(pid)
    after = await of.observe()
    assert before is not None
    assert after is not None
    assert after.id == before.id


async def test_where_there_is_none_its_launcher_is_waited_for(processes: Processes) -> None:
    await driver(processes.pattern).restart(None, servers(9000))


async def test_its_end_is_seen(processes: Processes) -> None:
    pid = processes.start(WAITS)
    of = driver(processes.pattern)
    incarnation = await of.observe()
    assert incarnation is not None
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(of.wait_for_end, incarnation)
            await anyio.wait_all_tasks_blocked()
            processes.end(pid)


async def test_it_is_not_stopped_as_it_would_be_started_again(processes: Processes) -> None:
    of = driver(processes.pattern)
    assert not of.can_stop
    with pytest.raises(DriverError, match="stop it there"):
        await of.stop()


RESTART = """
import os
import sys
import anyio
from sidecar.adapters.processes.session import no_hook
from sidecar.adapters.restart.drivers.signal import CommandLinePattern, SignalDriver
from sidecar.domain.errors import DriverError
from sidecar.domain.servers import ServerList

async def main():
    driver = SignalDriver(CommandLinePattern(sys.argv[1]), 15, 1.0, no_hook)
    incarnation = await driver.observe()
    # Only now, when all is imported: the other user need not be able to read it.
    os.setgroups([])
    os.setgid({user})
    os.setuid({user})
    try:
        await driver.restart(incarnation, ServerList(()))
    except DriverError as exc:
        print(exc)

anyio.run(main)
"""


async def test_a_signal_that_is_not_allowed_says_what_to_do(processes: Processes) -> None:
    require(os.geteuid() == 0, "root, to become another user")
    pid = processes.start(WAITS)
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    argv = (sys.executable, "-c", RESTART.format(user=NOBODY), processes.name)
    ran = await anyio.run_process(argv, env=environ, stderr=None)
    said = ran.stdout.decode()
    assert f"not allowed to signal process {pid}" in said
    assert "run the sidecar as the same user, or give it the capability KILL" in said
    assert is_alive(pid)
