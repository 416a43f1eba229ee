"""One node of a network: its folder, its sidecars one after another, the process next to it, their traces."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from signal import Signals
from typing import Any

from tests.kit.commands import environment
from tests.kit.event_log import Event, read_events
from tests.kit.observed_node import ObservedNode
from tests.kit.waiting import DEADLINE

APP = Path(__file__).with_name("app.py")


@dataclass(slots=True)
class Node(ObservedNode):
    """A node; ``defaults`` are the options that each of its sidecars is started with."""

    id: str
    folder: Path
    file: Path
    url: str | None
    admin: str
    defaults: tuple[str, ...]
    sidecars: list[subprocess.Popen[bytes]] = field(default_factory=list)

    # The sidecar.

    def start(
        self,
        *options: str,
        command: tuple[str, ...] | None = None,
        env: dict[str, str] | None = None,
        under: tuple[str, ...] = (),
    ) -> None:
        """Start a sidecar in the node's folder, ``under`` a launcher; ``options`` win over the defaults."""
        command = self.app if command is None else command
        line = [*under, sys.executable, "-m", "sidecar", "run", *self.defaults, *options]
        with (self.folder / "sidecar.log").open("ab") as log:
            process = subprocess.Popen(
                [*line, *(["--", *command] if command else [])],
                cwd=self.folder,
                env=environment(**(env or {})),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.sidecars.append(process)

    @property
    def app(self) -> tuple[str, ...]:
        """The command of its process: `tests.kit.app`."""
        return (sys.executable, "-I", "-S", str(APP), str(self.folder), str(self.file))

    @property
    def sidecar(self) -> subprocess.Popen[bytes]:
        """Its latest sidecar."""
        return self.sidecars[-1]

    def signal(self, signum: Signals) -> None:
        self.sidecar.send_signal(signum)

    def freeze(self) -> None:
        """Suspend the sidecar, as an overloaded machine or a paused virtual machine does."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the sidecar with SIGKILL; its process keeps running."""
        self.sidecar.kill()
        self.sidecar.wait(DEADLINE)

    def stop(self) -> int:
        """Stop the sidecar with SIGTERM, as a service manager does; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_for_exit()

    def wait_for_exit(self, deadline: float = DEADLINE) -> int:
        """Wait until the sidecar exits; its exit code."""
        try:
            return self.sidecar.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the sidecar of {self.id} did not exit within {deadline:g} s") from None

    # Its folder.

    def file_identity(self) -> tuple[int, int, bytes]:
        """The file's inode, modification time and content; every write changes one of them."""
        found = self.file.stat()
        return found.st_ino, found.st_mtime_ns, self.file.read_bytes()

    @property
    def rejected(self) -> list[Path]:
        """The diffs of rejected edits, oldest first."""
        return sorted((self.folder / ".sidecar" / "rejected").glob("*.diff"))

    # The process next to it.

    def configure_app(self, **behaviour: float | str) -> None:
        """Set how the process behaves from its next start on; see `tests.kit.app`."""
        (self.folder / "behaviour.json").write_text(json.dumps(behaviour))

    def make_unhealthy(self) -> None:
        """Let the process answer 503 from now on."""
        (self.folder / "unhealthy").touch()

    def make_healthy(self) -> None:
        (self.folder / "unhealthy").unlink()

    def events(self, *kinds: str) -> list[Event]:
        """What happened to the process; only ``kinds``, if any are named."""
        return read_events(self.folder, *kinds)

    @property
    def starts(self) -> list[Event]:
        return self.events("started")

    def received(self, signum: Signals) -> bool:
        """Whether the process got that signal."""
        return any(event.signal == signum.name for event in self.events("signalled"))

    @property
    def downtimes(self) -> list[tuple[float, float]]:
        """When the process was being restarted: from its SIGTERM until it listened again.

        One that has no port is back when it has started.
        """
        back = "listening" if self.url else "started"
        events = self.events("stopping", back)
        return [(a.at, b.at) for a, b in pairwise(events) if (a.kind, b.kind) == ("stopping", back)]

    # The sidecar's log.

    def log(self) -> list[dict[str, Any]]:
        """The log of all its sidecars."""
        lines = self.log_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"ts"')]

    def log_text(self) -> str:
        try:
            return (self.folder / "sidecar.log").read_text()
        except FileNotFoundError:
            return ""

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log lines with that event."""
        return [line for line in self.log() if line["event"] == event]

    def describe(self) -> str:
        """What a person needs to see when a test failed."""
        code = self.sidecars[-1].poll() if self.sidecars else "never started"
        now = time.monotonic()
        events = [f"{e.kind} pid {e.pid} {e.at - now:+.2f} s {e.details}" for e in self.events()]
        file = self.file.read_text() if self.file.exists() else "(no file)"
        log = self.log_text().splitlines()[-40:]
        return "\n".join([f"--- {self.id}, exit code {code}", file, *events, *log])
