"""One node of the demo: a folder, the file in it, a real ``sidecar run``, and its process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import sidecar
from sidecar.domain.identity import Role
from sidecar_demo import node_app
from sidecar_demo.node_status import (
    Incarnation,
    SidecarStatus,
    fetch_process_pid,
    fetch_status,
    read_event_log,
)

LEASE_TTL = 2
STOP_TIMEOUT = 2
MARKER_VARIABLE = "FEDERATION_DEMO"
"""The variable that marks the processes of the demo; an editor that the user opened does not have it."""
SIDECAR_STOP_TIMEOUT = 8.0
"""Seconds until a sidecar that does not stop is killed."""

# A file with the odd indents of a person.
_FEDERATED = """\
{{
    "Mode": "federated",
    "Port": {port},
    "NodeID": "{name}",
     "FederatedServers": [
    {servers}
  ]
}}
"""
_DATABASE = """\
{{
  "NodeID": "{name}",
  "Port": {port},
  "DataDir": "/var/lib/{name}",
  "FederatedServers": [{servers}]
}}
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What all nodes of the demo share."""

    folder: Path
    etcd: str
    network: str

    def environment(self) -> dict[str, str]:
        """The environment of the demo, without settings of other sidecars, and with this package."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")}
        package = str(Path(sidecar.__file__).parent.parent)
        paths = os.pathsep.join(filter(None, (package, clean.get("PYTHONPATH"))))
        return clean | {"PYTHONPATH": paths, MARKER_VARIABLE: str(self.folder)}

    def processes(self) -> list[int]:
        """Every process that the demo has started here, and their children."""
        mark = f"{MARKER_VARIABLE}={self.folder}".encode()
        return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if mark in _environment_of(entry)]


@dataclass(slots=True)
class DemoNode:
    """A node that can be started, stopped, killed and inspected."""

    name: str
    role: Role
    port: int
    admin: int
    workspace: Workspace
    _sidecar: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def folder(self) -> Path:
        return self.workspace.folder / self.name

    @property
    def file(self) -> Path:
        return self.folder / ("federated.json" if self.role is Role.FEDERATED else "config.json")

    @property
    def log(self) -> Path:
        return self.folder / "sidecar.log"

    @property
    def rejected(self) -> Path:
        return self.folder / ".sidecar" / "rejected"

    def write(self, servers: tuple[str, ...]) -> None:
        """Create the folder and the file, as an operator would before the first start."""
        self.folder.mkdir()
        federated = self.role is Role.FEDERATED
        between = ",\n    " if federated else ", "
        listed = between.join(json.dumps(url) for url in servers)
        template = _FEDERATED if federated else _DATABASE
        self.file.write_text(
            template.format(port=self.port, name=self.name, servers=listed), encoding="utf-8"
        )

    def servers(self) -> tuple[str, ...]:
        """The list in the file now; empty if the file cannot be read."""
        try:
            return tuple(json.loads(self.file.read_text(encoding="utf-8"))["FederatedServers"])
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    def other_keys(self) -> dict[str, object]:
        """Everything in the file except the list."""
        document: dict[str, object] = json.loads(self.file.read_text(encoding="utf-8"))
        del document["FederatedServers"]
        return document

    def edit(self, **changes: object) -> str:
        """Edit the file as a person would; return its new text."""
        document = json.loads(self.file.read_text(encoding="utf-8")) | changes
        text = json.dumps(document, indent=4) + "\n"
        self.file.write_text(text, encoding="utf-8")
        return text

    def log_text(self) -> str:
        """The log of its sidecar."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def newest_diff(self) -> Path | None:
        """The diff of the last rejected edit."""
        return max(self.rejected.glob("*.diff"), default=None)

    def incarnations(self) -> tuple[Incarnation, ...]:
        """The incarnations of its process."""
        return read_event_log(self.file.with_name(f"{self.file.name}.event_log"))

    def process(self) -> int | None:
        """The PID of its process, if it answers."""
        return fetch_process_pid(self.port)

    def sidecar(self) -> SidecarStatus | None:
        """The status of its sidecar, if it answers."""
        return fetch_status(self.admin) if self.is_up else None

    @property
    def is_up(self) -> bool:
        return self._sidecar is not None and self._sidecar.poll() is None

    def start(self) -> None:
        """Start its sidecar."""
        with self.log.open("ab") as log:
            self._sidecar = subprocess.Popen(
                self._command(),
                cwd=self.folder,  # without the sidecar.toml of the user
                env=self.workspace.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C is for the demo, which stops its sidecars in order
            )

    def stop(self) -> int | None:
        """Stop its sidecar and its process; return the exit code, None if it was killed."""
        self.request_stop()
        return self.wait_stopped(time.monotonic() + SIDECAR_STOP_TIMEOUT)

    def request_stop(self) -> None:
        if self._sidecar is not None and self.is_up:
            self._sidecar.send_signal(signal.SIGTERM)

    def wait_stopped(self, deadline: float) -> int | None:
        """Wait for the end of its sidecar; kill it at ``deadline`` (monotonic), and return None."""
        if self._sidecar is None:
            return None
        try:
            return self._sidecar.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self) -> None:
        """``kill -9`` its sidecar; its process keeps running."""
        if self._sidecar is not None:
            self._sidecar.kill()
            self._sidecar.wait()

    def _command(self) -> list[str]:
        options = {
            "--file": self.file.name,
            "--role": self.role.value,
            "--etcd": self.workspace.etcd,
            "--network": self.workspace.network,
            "--lease-ttl": LEASE_TTL,
            "--stop-timeout": STOP_TIMEOUT,
            "--admin": f"127.0.0.1:{self.admin}",
        }
        if self.role is Role.DATABASE:  # it has no URL of its own to probe
            options["--health"] = f"tcp://127.0.0.1:{self.port}"
        arguments = [word for option, value in options.items() for word in (option, str(value))]
        process = [sys.executable, "-S", "-E", node_app.__file__, str(self.file)]
        return [sys.executable, "-m", "sidecar", "run", *arguments, "--", *process]


def _environment_of(entry: Path) -> list[bytes]:
    try:
        return (entry / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or belongs to another user
        return []
