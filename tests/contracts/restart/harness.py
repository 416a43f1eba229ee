"""What a driver needs around it in the restart contract, and what a test can do to it."""

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
from tests.kit.event_log import Event, read_events
from tests.kit.node import APP
from tests.kit.ports import PortPool
from tests.kit.processes import PYTHON, is_alive

PROGRAMS = Path(__file__).with_name("programs")

BACKOFF = Backoff(first=0.1, cap=1.0)
STOP_TIMEOUT = 3.0

FileServersAt = Callable[[float], ServerList | None]


class Harness(ABC):
    """A node's folder, the process in it (`tests.kit.app`), and what launches that process.

    Each driver has a harness, which builds the `Process` and a launcher, and describes how that driver
    restarts.
    """

    down_reason = ""
    """What a report says while the process is missing; a regular expression."""

    is_child = False
    """Whether the process is the sidecar's own child, which stops with it."""

    is_signalled = True
    """Whether a restart begins with SIGTERM."""

    can_hang = True
    """Whether a restart may hang; otherwise the driver always completes it."""

    short_restart_timeout = 2.0
    """The restart timeout, in seconds, for tests that wait for it to expire."""

    def __init__(self, folder: Path) -> None:
        # So long that it never expires on a busy machine; see `shorten_restart_timeout`.
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

    # What a driver's harness defines.

    @abstractmethod
    async def find_process(self, file_servers_at: FileServersAt) -> Process:
        """The process as a sidecar that starts now finds it; compare `sidecar.wiring`."""

    def probe(self, process: Process) -> Probe:  # noqa: ARG002 - an external process is asked as well
        """The health probe of the process."""
        return HttpProbe(f"http://127.0.0.1:{self.port}/")

    def launch(self) -> None:  # noqa: B027 - a child has no launcher
        """Start the launcher, if it is not the sidecar that launches the process."""

    def close(self) -> None:
        """Stop everything."""
        self.kill()
        self._ports.close()

    # What a test can do to it.

    def configure_app(self, **behaviour: float) -> None:
        """Set how the process behaves from its next start on; without ``behaviour``, as usual."""
        # Replaced atomically: a process may be starting at this moment.
        new = self.folder / "behaviour.json.new"
        new.write_text(json.dumps(behaviour))
        new.replace(self.folder / "behaviour.json")

    def shorten_restart_timeout(self) -> None:
        """Give restarts a short timeout in every sidecar that boots from now on."""
        self.restart_timeout = self.short_restart_timeout

    def make_unhealthy(self) -> None:
        """Let the process answer 503 from now on."""
        (self.folder / "unhealthy").touch()

    def make_healthy(self) -> None:
        """Let it answer 200 again."""
        (self.folder / "unhealthy").unlink()

    def kill(self) -> None:
        """Kill the current process with SIGKILL."""
        if self.is_running():
            with suppress(ProcessLookupError):  # it may have ended since
                os.kill(self.pids[-1], signal.SIGKILL)

    @abstractmethod
    def make_unavailable(self) -> None:
        """Take the process away; it cannot be started until `make_available`."""

    @abstractmethod
    def make_available(self) -> None:
        """Let the process be started again; its launcher starts it."""

    @abstractmethod
    def hang_restarts(self) -> None:
        """Let every restart hang until `resume_restarts`."""

    def resume_restarts(self) -> None:  # noqa: B027 - nothing to do where it cannot hang
        """Let restarts complete again, including one that hung until now."""

    # What a test can see of it.

    def events(self, *kinds: str) -> list[Event]:
        """What happened to the process; only ``kinds``, if any are named."""
        return read_events(self.folder, *kinds)

    @property
    def starts(self) -> list[ServerList]:
        """The list that each incarnation of the process loaded."""
        return [ServerList.parse(event.servers) for event in self.events("started")]

    @property
    def pids(self) -> list[int]:
        """The pid of each incarnation, as this machine knows it."""
        return [event.pid for event in self.events("started")]

    def is_running(self) -> bool:
        """Whether the latest incarnation runs, and its pid has not been reused."""
        return (
            bool(self.pids) and is_alive(self.pids[-1]) and str(self.folder) in _command_line(self.pids[-1])
        )


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


class ExternalHarness(Harness):
    """A process that something else launches, managed through a driver."""

    def probe(self, process: Process) -> Probe:
        assert isinstance(process, ExternalProcess)
        return ExplainedProbe(super().probe(process), process)

    @abstractmethod
    def driver(self) -> Driver:
        """A new driver: the next sidecar knows only what its state folder holds."""

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
    """The launcher is a small supervisor, which starts the process again whenever it exits."""

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
            # It has a session of its own, with the process in it.
            os.killpg(self._supervisor.pid, signal.SIGKILL)
            self._supervisor.wait()
        super().close()

    def make_unavailable(self) -> None:
        (self.folder / "away").touch()
        self.kill()

    def make_available(self) -> None:
        (self.folder / "away").unlink()

    def suspend_launcher(self) -> None:
        """Suspend the launcher: a process that exits is not started again until `resume_launcher`."""
        assert self._supervisor is not None
        self._supervisor.send_signal(signal.SIGSTOP)

    def resume_launcher(self) -> None:
        assert self._supervisor is not None
        with suppress(ProcessLookupError):
            self._supervisor.send_signal(signal.SIGCONT)
