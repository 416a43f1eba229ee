"""What a way of restarting needs of the world, and what a test can do to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sidecar.adapters.probes.explained import ExplainedProbe
from sidecar.adapters.probes.http import HttpProbe
from sidecar.adapters.restart.driver import Driver
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.restart.saved_state import loaded_record_file
from sidecar.domain.node.process import Backoff
from sidecar.domain.servers import ServerList
from sidecar.ports import Probe, Process
from tests.builders import document, servers
from tests.kit.node import APP, Event
from tests.kit.ports import PortPool
from tests.kit.processes import PYTHON, is_alive

PROGRAMS = Path(__file__).with_name("programs")

BACKOFF = Backoff(first=0.1, cap=1.0)
STOP_TIMEOUT = 3.0

FileServersAt = Callable[[float], ServerList | None]


class Harness(ABC):
    """One node's folder, the process in it, and whoever launches that process.

    A driver's harness builds the `Process` and a launcher, and says here what a restart is like with it. The
    process keeps FOLDER/journal and obeys FOLDER/behaviour.json and FOLDER/sick, as `tests.kit.app` does.
    """

    down_reason = ""
    """What a report says while the process is not there, as a regular expression."""

    ends_with_the_sidecar = False
    """Whether the process is the sidecar's own, so that it ends with it."""

    is_signalled = True
    """Whether a restart begins with SIGTERM; else a process that is deaf to it restarts all the same."""

    can_hang = True
    """Whether a restart may take for ever; else something in the driver always brings it to an end."""

    short_restart_timeout = 2.0
    """Seconds until a restart is cut off in tests that wait for that."""

    def __init__(self, folder: Path) -> None:
        # So long that a busy machine never comes to it; see `cut_off_soon`.
        self.restart_timeout = 30.0
        self._ports = PortPool()
        self.folder = folder
        self.file = folder / "federated.json"
        self.state = folder / ".sidecar"
        self.port = self._ports.take()
        self.first = servers(self.port, 9101, 9102)
        self.file.write_bytes(document(self.port, 9101, 9102, port=self.port).data)

    def free_port(self) -> int:
        """A port that is free until the harness is closed."""
        return self._ports.take()

    # What a driver's harness is made of.

    @abstractmethod
    async def find_process(self, file_servers_at: FileServersAt) -> Process:
        """The process as a sidecar that starts now finds it; see `wiring.managed_process.build_process`."""

    def probe(self, process: Process) -> Probe:  # noqa: ARG002 - one that is attended is asked as well
        """What tells whether the process serves."""
        return HttpProbe(f"http://127.0.0.1:{self.port}/")

    def launch(self) -> None:  # noqa: B027 - a child has no launcher
        """Let the launcher begin, where somebody else than the sidecar launches the process."""

    def close(self) -> None:
        """End everything."""
        self.kill()
        self._ports.close()

    # What a test can do to it.

    def behave(self, **changes: float) -> None:
        """How the process is to behave from its next start on: as usual, but for what is ``changes``."""
        # Whole or not at all: a process may be starting at this very moment.
        new = self.folder / "behaviour.json.new"
        new.write_text(json.dumps(changes))
        new.replace(self.folder / "behaviour.json")

    def cut_off_soon(self) -> None:
        """Restarts are cut off after a short time, in the sidecar's lives from now on."""
        self.restart_timeout = self.short_restart_timeout

    def become_unhealthy(self) -> None:
        """From now on the process answers 503."""
        (self.folder / "sick").touch()

    def become_healthy(self) -> None:
        """From now on it answers 200 again."""
        (self.folder / "sick").unlink()

    def kill(self) -> None:
        """End the process as it is now with SIGKILL."""
        if self.runs():
            with suppress(ProcessLookupError):  # it may have ended since
                os.kill(self.pids[-1], signal.SIGKILL)

    @abstractmethod
    def make_unavailable(self) -> None:
        """The process is not there, and cannot be started, until `make_available`."""

    @abstractmethod
    def make_available(self) -> None:
        """It can be started again; whoever launches it does so."""

    @abstractmethod
    def hang_restarts(self) -> None:
        """From now on a restart does not get on, until `resume_restarts`."""

    def resume_restarts(self) -> None:  # noqa: B027 - nothing to do where it cannot hang
        """Restarts get on again, also one that hung until now."""

    # What a test can see of it.

    def journal(self, *events: str) -> list[Event]:
        """What happened to the process, of the kinds that are named."""
        try:
            lines = (self.folder / "journal").read_text().splitlines()
        except FileNotFoundError:
            return []
        found = (json.loads(line) for line in lines)
        return [
            Event(line.pop("event"), line.pop("pid"), line.pop("at"), line)
            for line in found
            if not events or line["event"] in events
        ]

    @property
    def starts(self) -> list[ServerList]:
        """Which list each of its lives loaded."""
        return [ServerList.parse(event.servers) for event in self.journal("starts")]

    @property
    def pids(self) -> list[int]:
        """The number of each of its lives, as this machine knows it."""
        return [event.pid for event in self.journal("starts")]

    def runs(self) -> bool:
        """Whether its latest life goes on; a stranger who has its number by now is none of it."""
        return (
            bool(self.pids) and is_alive(self.pids[-1]) and str(self.folder) in _command_line(self.pids[-1])
        )


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


class ExternalHarness(Harness):
    """A process that something else launches, attended through a driver."""

    def probe(self, process: Process) -> Probe:
        assert isinstance(process, ExternalProcess)
        return ExplainedProbe(super().probe(process), process)

    @abstractmethod
    def driver(self) -> Driver:
        """A new one: a sidecar's next life remembers nothing but what its state folder holds."""

    async def find_process(self, file_servers_at: FileServersAt) -> ExternalProcess:
        process = ExternalProcess(
            self.driver(),
            state_file=loaded_record_file(self.state),
            file_servers_at=file_servers_at,
            jitter=lambda: 0.5,
            restart_timeout=self.restart_timeout,
            backoff=BACKOFF,
        )
        await process.adopt()
        return process


class SupervisedHarness(ExternalHarness):
    """The launcher is a small supervisor, which starts the process again whenever it ends."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._supervisor: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> tuple[str, ...]:
        """What the supervisor runs."""
        return (*PYTHON, str(APP), str(self.folder), str(self.file))

    def launch(self) -> None:
        line = (*PYTHON, str(PROGRAMS / "supervisor.py"), str(self.folder), *self.command)
        self._supervisor = subprocess.Popen(line, stdin=subprocess.DEVNULL, start_new_session=True)

    def close(self) -> None:
        if self._supervisor is not None:
            # Its own session, and the process with it.
            os.killpg(self._supervisor.pid, signal.SIGKILL)
            self._supervisor.wait()
        super().close()

    def make_unavailable(self) -> None:
        (self.folder / "away").touch()
        self.kill()

    def make_available(self) -> None:
        (self.folder / "away").unlink()

    def suspend_launcher(self) -> None:
        """What ends from now on stays so, until `resume_launcher`."""
        assert self._supervisor is not None
        self._supervisor.send_signal(signal.SIGSTOP)

    def resume_launcher(self) -> None:
        assert self._supervisor is not None
        with suppress(ProcessLookupError):
            self._supervisor.send_signal(signal.SIGCONT)
