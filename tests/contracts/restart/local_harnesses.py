"""The harnesses of the drivers that need nothing but this machine."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from sidecar.adapters.processes.launch import Command
from sidecar.adapters.processes.session import no_hook
from sidecar.adapters.restart.child import Child
from sidecar.adapters.restart.drivers.command import CommandDriver
from sidecar.adapters.restart.drivers.endpoint import EndpointDriver
from sidecar.adapters.restart.drivers.signal import CommandLinePattern, PidFile, SignalDriver
from tests.contracts.restart.harness import (
    BACKOFF,
    PROGRAMS,
    STOP_TIMEOUT,
    FileServersAt,
    Harness,
    SupervisedHarness,
)
from tests.kit.node import APP
from tests.kit.processes import PYTHON


class ChildHarness(Harness):
    """The sidecar launches a ``run.sh`` that execs the process."""

    down_reason = "there is no such file|ended by itself"
    is_child = True
    # SIGKILL stops what does not stop, and a start is one exec: nothing in it can hang.
    can_hang = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._script = folder / "run.sh"
        self._script.write_text(f'#!/bin/sh\nexec {" ".join(PYTHON)} "$@"\n')
        self._script.chmod(0o755)

    async def find_process(self, file_servers_at: FileServersAt) -> Child:  # noqa: ARG002 - a child is launched with a known list
        argv = (str(self._script), str(APP), str(self.folder), str(self.file))
        child = Child(
            Command(argv),
            folder=self.state,
            jitter=lambda: 0.5,
            stop_timeout=STOP_TIMEOUT,
            backoff=BACKOFF,
        )
        child.adopt()
        return child

    def make_unavailable(self) -> None:
        self._script.rename(self.folder / "away.sh")
        self.kill()

    def make_available(self) -> None:
        (self.folder / "away.sh").rename(self._script)

    def hang_restarts(self) -> None:
        """Suspend the process, so that it does not answer; a start cannot hang."""
        os.kill(self.pids[-1], signal.SIGSTOP)


class SignalHarness(SupervisedHarness):
    """The process is found by its pid file."""

    down_reason = "has ended|did not come up"

    @property
    def finder(self) -> PidFile | CommandLinePattern:
        return PidFile(self.folder / "pid")

    def driver(self) -> SignalDriver:
        return SignalDriver(self.finder, signal.SIGTERM, STOP_TIMEOUT, no_hook)

    def hang_restarts(self) -> None:
        """Suspend the launcher: the process is killed, and no other is started."""
        self.suspend_launcher()

    def resume_restarts(self) -> None:
        self.resume_launcher()


class PatternHarness(SignalHarness):
    """The process is found by a pattern of its command line that its supervisor does not match."""

    @property
    def finder(self) -> CommandLinePattern:
        return CommandLinePattern(rf"^\S+ -I -S \S+/app\.py {self.folder} ")


class EndpointHarness(SupervisedHarness):
    """The program restarts itself inside its process; its supervisor starts it again when it exits."""

    down_reason = "has ended|did not come up|no program answers"
    # A restart is requested over HTTP, without a signal.
    is_signalled = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._control = self.free_port()
        self._token = folder / "hot-reload.token"
        self._token.write_text("a-token-of-the-tests\n")

    @property
    def command(self) -> tuple[str, ...]:
        return (*super().command, str(self._control), str(self._token))

    def driver(self) -> EndpointDriver:
        url = f"http://127.0.0.1:{self._control}/hot-reload"
        return EndpointDriver(url, url, self._token)

    def hang_restarts(self) -> None:
        (self.folder / "hang").touch()

    def resume_restarts(self) -> None:
        (self.folder / "hang").unlink()


class CommandHarness(SupervisedHarness):
    """A script ends the process and waits for its successor."""

    # The driver cannot inspect the process: only its URL shows that it is missing.
    down_reason = "refused|exit code 1"
    # Longer than the script itself waits.
    short_restart_timeout = 8.0

    def driver(self) -> CommandDriver:
        argv = (*PYTHON, str(PROGRAMS / "restart_app.py"), str(self.folder))
        return CommandDriver(argv, self.file)

    def hang_restarts(self) -> None:
        (self.folder / "hang").touch()

    def resume_restarts(self) -> None:
        (self.folder / "hang").unlink()
