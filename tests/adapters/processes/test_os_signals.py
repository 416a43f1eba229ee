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

from sidecar.adapters.processes.os_signals import SECOND_SIGNAL_INTERVAL
from tests.kit.processes import PYTHON

SIDECAR_PROGRAM = """
import os, signal, sys
from pathlib import Path
import anyio
from sidecar.adapters.processes.launch import Command
from sidecar.adapters.restart.child import Child
from sidecar.adapters.processes.os_signals import forward_signals
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
        await group.start(lambda task_status: forward_signals(
            process=child, stop=work.cancel,
            reexec=lambda: print("continues", flush=True), task_status=task_status))
        print("ready", flush=True)
        with work:
            await run(child, forever)
        await child.stop()
        group.cancel_scope.cancel()
    print("stopped", child.last_exit, flush=True)

anyio.run(main, *sys.argv[1:], backend=sys.argv[1])
"""

# It re-executes on request, and shows which signals are pending afterwards.
REEXEC_PROGRAM = """
import os, signal, sys
import anyio
from sidecar.adapters.processes.os_signals import block_signals_for_reexec, defer_signal, forward_signals

async def main():
    async with anyio.create_task_group() as group:
        await group.start(lambda task_status: forward_signals(
            process=None, stop=lambda: defer_signal(signal.SIGTERM), reexec=group.cancel_scope.cancel,
            will_reexec=lambda: True, task_status=task_status))
        print("ready", flush=True)

anyio.run(main, backend=sys.argv[1])
print("over", flush=True)
open("gate").read()
block_signals_for_reexec()
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
    argv = (sys.executable, "-c", before + SIDECAR_PROGRAM, backend, work, *command)
    with launched(argv, folder) as process:
        yield process


@contextmanager
def launched(argv: tuple[str, ...], folder: Path) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
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
    """The output up to the end of the pipe, when no process is left."""
    return process.communicate(timeout=60)[0].strip()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_termination_signal_begins_the_shutdown(
    signum: signal.Signals, tmp_path: Path, anyio_backend: str
) -> None:
    with sidecar(tmp_path, anyio_backend, program("TERM: os._exit(9)")) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(signum)
        assert rest(it).endswith("stopped 9")


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_second_termination_signal_kills_at_once(
    first: signal.Signals, tmp_path: Path, anyio_backend: str
) -> None:
    with sidecar(tmp_path, anyio_backend, program("TERM: say('asked')")) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(first)
        assert line(it) == "asked"
        with pytest.raises(subprocess.TimeoutExpired):
            it.wait(2 * SECOND_SIGNAL_INTERVAL)  # a while after the first, or it counts as the same request
        it.terminate()
        assert rest(it).endswith(f"stopped {128 + signal.SIGKILL}")


def test_two_signals_of_one_request_keep_the_stop_timeout(tmp_path: Path, anyio_backend: str) -> None:
    handler = "TERM: (say('asked'), time.sleep(0.2), os._exit(9))"
    with sidecar(tmp_path, anyio_backend, program(handler)) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(signal.SIGTERM)
        it.send_signal(signal.SIGTERM)
        assert line(it) == "asked"
        assert rest(it).endswith("stopped 9")


def test_sighup_requests_a_reexec_and_is_not_forwarded(tmp_path: Path, anyio_backend: str) -> None:
    with sidecar(tmp_path, anyio_backend, program("HUP: say('heard')", "USR1: say('usr1')")) as it:
        assert [line(it), line(it)] == ["ready", "up"]
        it.send_signal(signal.SIGHUP)
        assert line(it) == "continues"
        it.send_signal(signal.SIGUSR1)
        assert line(it) == "usr1"
        it.terminate()
        assert "stopped" in rest(it)


@pytest.mark.parametrize("name", ["QUIT", "USR1", "USR2", "WINCH", "CONT"])
def test_other_signals_are_forwarded_and_stop_nothing(name: str, tmp_path: Path, anyio_backend: str) -> None:
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
def test_a_stop_while_the_process_starts_leaves_nothing_behind(
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
def test_a_signal_during_a_reexec_reaches_the_next_execution(
    late: bool, tmp_path: Path, anyio_backend: str
) -> None:
    os.mkfifo(tmp_path / "gate")
    with launched((sys.executable, "-c", REEXEC_PROGRAM, anyio_backend), tmp_path) as it:
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


def test_a_late_stop_is_left_to_the_next_execution(tmp_path: Path, anyio_backend: str) -> None:
    os.mkfifo(tmp_path / "gate")
    with launched((sys.executable, "-c", REEXEC_PROGRAM, anyio_backend), tmp_path) as it:
        assert line(it) == "ready"
        it.send_signal(signal.SIGTERM)
        it.send_signal(signal.SIGHUP)
        assert line(it) == "over"
        (tmp_path / "gate").write_text("")
        assert line(it) == "on its way"
        (tmp_path / "gate").write_text("")
        assert rest(it) == "SIGTERM"
