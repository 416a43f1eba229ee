"""One node of a network: its folder, its sidecar's lives, the process next to it, what they left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from signal import Signals
from typing import Any

from tests.kit.http_client import http_get
from tests.kit.waiting import DEADLINE, wait_until

PROJECT = Path(__file__).parents[2]
APP = Path(__file__).with_name("app.py")


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, without settings of a sidecar that somebody exported."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")}
    return ours | {"PYTHONPATH": str(PROJECT)} | extra


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the process's journal. ``at`` is monotonic, the same clock for every process."""

    event: str
    pid: int
    at: float
    more: dict[str, Any]

    @property
    def servers(self) -> list[str]:
        """The list that it loaded when it started."""
        found: list[str] = self.more["servers"]
        return found


@dataclass(slots=True)
class Node:
    """``defaults`` are the options that every life of its sidecar is started with."""

    id: str
    folder: Path
    file: Path
    url: str | None
    admin: int
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
        """The command of the process next to it."""
        return (sys.executable, "-I", "-S", str(APP), str(self.folder), str(self.file))

    @property
    def sidecar(self) -> subprocess.Popen[bytes]:
        """Its sidecar's latest life."""
        return self.sidecars[-1]

    def signal(self, signum: Signals) -> None:
        self.sidecar.send_signal(signum)

    def freeze(self) -> None:
        """Suspend the sidecar, as a machine under too much load or a paused virtual machine would."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the sidecar without a warning; the process next to it lives on."""
        self.sidecar.kill()
        self.sidecar.wait(DEADLINE)

    def stop(self) -> int:
        """End the sidecar as a service manager would; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_for_exit()

    def wait_for_exit(self, deadline: float = DEADLINE) -> int:
        """Wait for the sidecar's end; its exit code."""
        try:
            return self.sidecar.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the sidecar of {self.id} did not end within {deadline:g} s") from None

    # Its file.

    @property
    def servers(self) -> list[str]:
        """The list that its file holds."""
        found: list[str] = json.loads(self.file.read_text())["FederatedServers"]
        return found

    def edit(self, **keys: Any) -> None:
        """Change keys of the file, as an editor does: all of it is written anew, in place."""
        document = json.loads(self.file.read_text()) | keys
        self.file.write_text(json.dumps(document, indent=2) + "\n")

    def identity_of_file(self) -> tuple[int, int, bytes]:
        """What no write leaves as it was: inode and time of the last change; and the content."""
        found = self.file.stat()
        return found.st_ino, found.st_mtime_ns, self.file.read_bytes()

    @property
    def rejected(self) -> list[Path]:
        """The diffs of what was not obeyed, oldest first."""
        return sorted((self.folder / ".sidecar" / "rejected").glob("*.diff"))

    # The process next to it.

    def configure_app(self, **told: float | str) -> None:
        """How the process is to behave from its next start on; see `tests.kit.app`."""
        (self.folder / "behaviour.json").write_text(json.dumps(told))

    def make_unhealthy(self) -> None:
        """From now on the process answers 503."""
        (self.folder / "sick").touch()

    def make_healthy(self) -> None:
        (self.folder / "sick").unlink()

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
    def starts(self) -> list[Event]:
        return self.journal("starts")

    def received(self, signum: Signals) -> bool:
        """Whether the process got that signal."""
        return any(event.more["signal"] == signum.name for event in self.journal("hears"))

    @property
    def downtimes(self) -> list[tuple[float, float]]:
        """When the process was away on somebody's order: from its SIGTERM until it listened again.

        One that has no port is back when it has started.
        """
        back = "listens" if self.url else "starts"
        told = self.journal("ends", back)
        return [(a.at, b.at) for a, b in pairwise(told) if (a.event, b.event) == ("ends", back)]

    # What the sidecar says.

    def log(self) -> list[dict[str, Any]]:
        """The sidecar's log, of all of its lives."""
        lines = self.log_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"ts"')]

    def log_text(self) -> str:
        try:
            return (self.folder / "sidecar.log").read_text()
        except FileNotFoundError:
            return ""

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log with that message."""
        return [line for line in self.log() if line["event"] == event]

    def get(self, path: str, host: str | None = None) -> tuple[int, str]:
        """GET ``path`` of the admin API: the status code and the body; 0 while nobody answers."""
        return http_get(f"http://127.0.0.1:{self.admin}{path}", {"Host": host} if host else {})

    @property
    def status(self) -> dict[str, Any]:
        """What its admin API says; nothing while it does not answer."""
        code, body = self.get("/api/v1/status")
        found: dict[str, Any] = json.loads(body) if code else {}
        return found

    def wait_for_phase(self, phase: str, deadline: float = DEADLINE) -> dict[str, Any]:
        """Wait until the sidecar says that it is in ``phase``; its status then."""

        def there() -> dict[str, Any]:
            status = self.status
            return status if status.get("phase") == phase else {}

        return wait_until(there, f"{self.id} is {phase}, not {self.status.get('phase')}", deadline)

    def wait_for_reason(self, text: str) -> dict[str, Any]:
        """Wait until the reason that the sidecar gives has ``text`` in it; its status then."""

        def told() -> dict[str, Any]:
            status = self.status
            return status if text in status.get("reason", "") else {}

        return wait_until(told, f"{self.id} tells: {text}")

    def wait_for_lease_loss(self) -> None:
        """Wait until the sidecar knows that it is without etcd, and that its lease may be gone."""
        wait_until(lambda: self.status.get("lease_alive") is False, f"{self.id} has no lease")

    def describe(self) -> str:
        """What a person needs to see when a test failed."""
        code = self.sidecars[-1].poll() if self.sidecars else "never started"
        began = time.monotonic()
        journal = [f"{e.event} pid {e.pid} {e.at - began:+.2f} s {e.more}" for e in self.journal()]
        file = self.file.read_text() if self.file.exists() else "(no file)"
        log = self.log_text().splitlines()[-40:]
        return "\n".join([f"--- {self.id}, exit code {code}", file, *journal, *log])


def is_running(pid: int) -> bool:
    """Whether process ``pid`` runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
