"""Signals to a real process: a small sidecar, for they cannot be sent to the one that runs the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar.adapters.processes.os_signals import HURRY
from tests.processes import PYTHON

SIDECAR = """
import os, signal, sys
from pathlib import Path
import anyio
from sidecar.adapters.processes.launch import Command
from sidecar.adapters.restart.child import Child
from sidecar.adapters.processes.os_signals import pass_signals
from sidecar.domain.servers import ServerList

async def restart_forever(child):
    while True:
        await child.start(ServerList.parse([]))
        await child.stop()

async def run(child, forever):
    await child.start(ServerList.parse([]))
    if forever == "restarts":
        await restart_forever(child)
    await anyio.sleep_forever()

async def main(backend, forever, *argv):
    command = Command(argv)
    child = Child(command, folder=Path.cwd() / "state", jitter=lambda: 0.5, stop_timeout=1000)
    async with anyio.create_task_group() as group:
        work = anyio.CancelScope()
        await group.start(lambda task_status: pass_signals(
            process=child, stop=work.cancel,
            go_on=lambda: print("goes on", flush=True), task_status=task_status))
        print("ready", flush=True)
        with work:
            await run(child, forever)
        await child.stop()
        group.cancel_scope.cancel()
    print("stopped", child.last_exit, flush=True)

anyio.run(main, *sys.argv[1:], backend=sys.argv[1])
"""

# It goes on when it is told to, and shows what its next execution finds waiting.
GOING_ON = """
import os, signal, sys
import anyio
from sidecar.adapters.processes.os_signals import hand_on, keep_for_the_next, pass_signals

async def main():
    async with anyio.create_task_group() as group:
        await group.start(lambda task_status: pass_signals(
            process=None, stop=lambda: keep_for_the_next(signal.SIGTERM), go_on=group.cancel_scope.cancel,
            goes_on=lambda: True, task_status=task_status))
        print("ready", flush=True)

anyio.run(main, backend=sys.argv[1])
print("over", flush=True)
open("gate").read()
hand_on()
print("on its way", flush=True)
open("gate").read()
shown = "import signal; print(*sorted(signum.name for signum in signal.sigpending()))"
os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", shown])
"""


SLEEPER = ("sleep", "1000")


def program(*handlers: str) -> tuple[str, ...]:
    """A program that says when it is up, and does what ``handlers`` say (``SIGNAL: expression``).

    No shell script: a shell that gets a signal while it forks loses it for its child.
    """
    lines = ["import os, signal, time", "def say(word): os.write(1, word.encode() + b'\\n')"]
    for handler in handlers:
        name, _, expression = handler.partition(": ")
        lines.append(f"signal.signal(signal.SIG{name}, lambda *_: {expression})")
    return (*PYTHON, "-c", "\n".join([*lines, "say('up')", "while True: signal.pause()"]))


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def sidecar(
    folder: Path, backend: str, command: tuple[str, ...], work: str = "", before: str = ""
) -> Iterator[subprocess.Popen[str]]:
    argv = (sys.executable, "-c", before + SIDECAR, backend, work, *command)
    with launched(argv, folder) as process:
        yield process


@contextmanager
def launched(argv: tuple[str, ...], folder: Path) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        argv, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def rest(process: subprocess.Popen[str]) -> str:
    """What is printed up to the end, which comes when nobody holds the pipe: no process is left."""
    return process.communicate(timeout=60)[0].strip()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_being_asked_to_end_begins_the_shutdown(
    signum: signal.Signals, tmp_path: Path, anyio_backend: str
) -> None:
    with sidecar(tmp_path, anyio_backend, program("TERM: os._exit(9)")) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(signum)
        assert rest(it).endswith("stopped 9")


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_being_asked_twice_kills_at_once(first: signal.Signals, tmp_path: Path, anyio_backend: str) -> None:
    with sidecar(tmp_path, anyio_backend, program("TERM: say('asked')")) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(first)
        assert line(it) == "asked"
        with pytest.raises(subprocess.TimeoutExpired):
            it.wait(2 * HURRY)  # a while after the first, else it is the same wish
        it.terminate()
        assert rest(it).endswith(f"stopped {128 + signal.SIGKILL}")


def test_one_wish_in_two_signals_leaves_the_grace_period(tmp_path: Path, anyio_backend: str) -> None:
    handler = "TERM: (say('asked'), time.sleep(0.2), os._exit(9))"
    with sidecar(tmp_path, anyio_backend, program(handler)) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(signal.SIGTERM)
        it.send_signal(signal.SIGTERM)
        assert line(it) == "asked"
        assert rest(it).endswith("stopped 9")


def test_a_hangup_is_a_wish_to_go_on_anew_and_not_passed_on(tmp_path: Path, anyio_backend: str) -> None:
    with sidecar(tmp_path, anyio_backend, program("HUP: say('heard')", "USR1: say('usr1')")) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(signal.SIGHUP)
        assert line(it) == "goes on"
        it.send_signal(signal.SIGUSR1)
        assert line(it) == "usr1"
        it.terminate()
        assert "stopped" in rest(it)


@pytest.mark.parametrize("name", ["QUIT", "USR1", "USR2", "WINCH", "CONT"])
def test_other_signals_are_passed_on_and_end_nothing(name: str, tmp_path: Path, anyio_backend: str) -> None:
    with sidecar(tmp_path, anyio_backend, program(f"{name}: say('heard')")) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(getattr(signal, f"SIG{name}"))
        assert line(it) == "heard"
        it.terminate()
        assert "stopped" in rest(it)


def test_a_signal_that_was_ignored_from_the_start_stays_ignored(tmp_path: Path, anyio_backend: str) -> None:
    # As a script does to what it starts with '&'.
    before = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    with sidecar(tmp_path, anyio_backend, program("USR1: say('heard')"), before=before) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(signal.SIGINT)
        for _ in range(3):
            it.send_signal(signal.SIGUSR1)
            assert line(it) == "heard"
        it.terminate()
        assert "stopped" in rest(it)


@pytest.mark.parametrize("work", ["", "restarts"])
@pytest.mark.parametrize("attempt", range(8))
def test_being_asked_to_end_while_the_process_starts_leaves_nothing_behind(
    work: str, attempt: int, tmp_path: Path, anyio_backend: str
) -> None:
    with sidecar(tmp_path, anyio_backend, SLEEPER, work) as it:
        assert line(it) == "ready"
        # Each time a little further into the start: a line of CPU work, not a sleep.
        sum(range(attempt * 20_000))
        it.terminate()
        assert "stopped" in rest(it)
        assert it.returncode == 0


@pytest.mark.parametrize("late", [False, True])
def test_a_signal_that_comes_while_it_goes_on_is_for_its_next_execution(
    late: bool, tmp_path: Path, anyio_backend: str
) -> None:
    os.mkfifo(tmp_path / "gate")
    with launched((sys.executable, "-c", GOING_ON, anyio_backend), tmp_path) as it:
        assert line(it) == "ready"
        it.send_signal(signal.SIGHUP)
        assert line(it) == "over"
        if not late:
            it.send_signal(signal.SIGTERM)
        (tmp_path / "gate").write_text("")
        assert line(it) == "on its way"
        if late:
            it.send_signal(signal.SIGTERM)
        (tmp_path / "gate").write_text("")
        assert rest(it) == "SIGTERM"
        assert it.returncode == 0


def test_an_end_that_comes_too_late_is_told_to_the_next_execution(tmp_path: Path, anyio_backend: str) -> None:
    os.mkfifo(tmp_path / "gate")
    with launched((sys.executable, "-c", GOING_ON, anyio_backend), tmp_path) as it:
        assert line(it) == "ready"
        it.send_signal(signal.SIGTERM)
        it.send_signal(signal.SIGHUP)
        assert line(it) == "over"
        (tmp_path / "gate").write_text("")
        assert line(it) == "on its way"
        (tmp_path / "gate").write_text("")
        assert rest(it) == "SIGTERM"
