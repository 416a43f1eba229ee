"""What every measurement stands on: an etcd of its own, a folder, and sidecars to start in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from bench.gateway import EtcdGateway
from sidecar.domain.records.canonical import Canonical, Change, ChangeKind
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.keys import Keys
from sidecar.domain.servers import NodeID, ServerList
from sidecar_demo.embedded_etcd import EmbeddedEtcd, embedded_etcd, free_port

PROJECT = Path(__file__).parents[1]
WAIT_TIMEOUT = 60.0
"""Seconds after which something that should happen will not."""


@dataclass(frozen=True, slots=True)
class SidecarProcess:
    """A sidecar that runs, in a folder that holds its file; ``started_at`` on `time.monotonic`."""

    file: Path
    log: Path
    process: subprocess.Popen[bytes]
    started_at: float

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def servers(self) -> list[str]:
        found: list[str] = json.loads(self.file.read_text())["FederatedServers"]
        return found

    def logged(self, event: str) -> list[float]:
        """When it logged that, in seconds of the epoch."""
        lines = (line for line in self.log.read_text().splitlines() if f'"event": "{event}"' in line)
        return [_seconds(json.loads(line)["ts"]) for line in lines]


@dataclass(slots=True)
class Testbed:
    """``quick``: fewer tries, rougher figures."""

    etcd: EmbeddedEtcd
    folder: Path
    quick: bool
    gateway: EtcdGateway = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.gateway = EtcdGateway(self.etcd.url)

    def tries(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def network(self) -> Keys:
        """The keys of an unused network."""
        return Keys(f"bench-{next(self._numbers)}")

    def publish(self, keys: Keys, version: int, servers: Sequence[str]) -> None:
        """Commit a canonical version, as a leader would."""
        cause = (Change(ChangeKind.JOIN, NodeID("bench")),)
        listed = ServerList.parse(servers)
        canonical = Canonical(listed, version, cause, NodeID("bench"), 1, "2026-01-01T00:00:00Z", ())
        self.gateway.put(keys.canonical, encode(canonical))

    def file(self, keys: Keys, name: str, servers: Sequence[str], *, port: int | None = None) -> Path:
        """Write the file of a database node, or of a federated server where there is a ``port``."""
        folder = self.folder / keys.network / name
        folder.mkdir(parents=True, exist_ok=True)
        document: dict[str, Any] = {"NodeID": name, "FederatedServers": list(servers)}
        if port is not None:
            document = {"Mode": "federated", "Port": port, **document}
        path = folder / ("config.json" if port is None else "federated.json")
        path.write_text(json.dumps(document, indent=2) + "\n")
        return path

    def start(
        self, keys: Keys, file: Path, *options: str, command: Sequence[str] = (), stdout: int | None = None
    ) -> SidecarProcess:
        """Start a sidecar on ``file``; with ``stdout`` both it and its process write there."""
        state = file.parent.with_name(f"{file.parent.name}.state")
        state.mkdir(exist_ok=True)
        log = state / "log"
        line = [
            *(sys.executable, "-m", "sidecar", "run", "--etcd", self.etcd.url, "--network", keys.network),
            *("--file", str(file), "--state-dir", str(state), "--log-format", "json", *options),
            *(["--", *command] if command else []),
        ]
        with log.open("ab") as out:
            started = time.monotonic()
            process = subprocess.Popen(
                line, env=subprocess_environ(), stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=out
            )
        return SidecarProcess(file, log, process, started)


@contextmanager
def open_testbed(*, quick: bool) -> Iterator[Testbed]:
    """A testbed, and nothing left of it afterwards."""
    with embedded_etcd() as etcd, tempfile.TemporaryDirectory(prefix="sidecar-bench-") as folder:
        yield Testbed(etcd, Path(folder), quick)


def free_address() -> str:
    return f"127.0.0.1:{free_port()}"


def subprocess_environ() -> dict[str, str]:
    """This process's, without settings of a sidecar, and with bytecode as an installed package has it."""
    dropped = ("SIDECAR_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"PYTHONPATH": str(PROJECT)}


def stop_all(sidecars: Sequence[SidecarProcess]) -> None:
    """End them as a service manager would, all at once."""
    for sidecar in sidecars:
        sidecar.process.send_signal(signal.SIGTERM)
    for sidecar in sidecars:
        sidecar.process.wait(WAIT_TIMEOUT)


def wait_until(holds: Callable[[], object], what: str, timeout: float = WAIT_TIMEOUT) -> None:
    """Wait until ``holds()``; for what is not timed. Raises TimeoutError that names ``what``."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s in vain until {what}")
        time.sleep(0.02)


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
