"""A network of real sidecars on a real etcd."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.kit.commands import CommandResult, run_sidecar
from tests.kit.etcd.gateway import Gateway
from tests.kit.event_log import Event
from tests.kit.node import Node
from tests.kit.ports import PortPool
from tests.kit.waiting import DEADLINE, Maybe, T, wait_until

SAMPLE_FILES = Path(__file__).parents[1] / "data"


class Network:
    """Nodes in folders below ``folder``; the network's name keeps its keys in etcd apart from others."""

    def __init__(self, etcd_url: str, folder: Path, name: str, *, lease_ttl: float = 10) -> None:
        self.etcd_url = etcd_url
        self.folder = folder
        self.name = name
        self.etcd = Gateway(etcd_url, f"/federation/{name}/")
        self.nodes: list[Node] = []
        self._ports = PortPool()
        self._options = ("--etcd", etcd_url, "--network", name)
        self._run_options = ("--lease-ttl", f"{lease_ttl:g}", "--log-format", "json")

    # Its nodes.

    def port(self) -> int:
        """A free port."""
        return self._ports.take()

    def node(self, name: str, port: int | None, servers: list[str], *, file: str = "federated.json") -> Node:
        """A node whose file names ``servers``; it is not started."""
        document: dict[str, Any] = {"NodeID": name, "FederatedServers": servers}
        if file == "federated.json":
            document = {"Mode": "federated", "Port": port, **document}
        return self._add(name, json.dumps(document, indent=2) + "\n", file)

    def sample_nodes(self) -> list[Node]:
        """Nodes with the owner's four files, fed-1 to fed-4, unchanged except for the ports."""
        ports = {old: str(self.port()) for old in ("9000", "9001", "9002", "9004")}
        for name in ("fed-1", "fed-2", "fed-3", "fed-4"):
            text = (SAMPLE_FILES / name / "federated.json").read_text()
            # In one pass: a new port may contain an old one.
            text = re.sub("|".join(ports), lambda match: ports[match[0]], text)
            self._add(name, text, "federated.json")
        return self.nodes[-4:]

    def servers(self, count: int) -> list[Node]:
        """``count`` servers, named from fed-1, whose files all hold the same list."""
        ports = [self.port() for _ in range(count)]
        urls = [f"http://localhost:{port}" for port in ports]
        return [self.node(f"fed-{place}", port, urls) for place, port in enumerate(ports, start=1)]

    def newcomer(self, name: str, *known: Node) -> Node:
        """A server whose file names ``known`` and itself."""
        port = self.port()
        return self.node(name, port, [str(node.url) for node in known] + [f"http://localhost:{port}"])

    def database(self, name: str, servers: list[str]) -> Node:
        """A database node, whose ``config.json`` holds ``servers``."""
        return self.node(name, None, servers, file="config.json")

    def _add(self, name: str, text: str, file: str) -> Node:
        folder = self.folder / name
        folder.mkdir()
        (folder / file).write_text(text)
        port = json.loads(text).get("Port")
        admin = f"127.0.0.1:{self.port()}"
        options: tuple[str, ...] = (*self._options, *self._run_options, "--admin", admin)
        if port is None:
            # By default a node without a URL is healthy once it has run for two seconds.
            options = (*options, "--health", "exec:test -e up")
        url = f"http://localhost:{port}" if port else None
        node = Node(name, folder, folder / file, url, admin, options)
        self.nodes.append(node)
        return node

    # Its state.

    def start(self, *nodes: Node) -> None:
        """Start sidecars, and wait until they are in sync."""
        for node in nodes:
            node.start()
        self.wait_in_sync(*nodes)

    def wait_in_sync(self, *nodes: Node, servers: list[str] | None = None) -> None:
        """Wait until each of ``nodes`` holds the canonical list, runs on it, and is reported healthy."""

        def in_sync() -> bool:
            for node in nodes:
                if node.sidecar.poll() is not None:
                    raise AssertionError(f"the sidecar of {node.id} exited with {node.sidecar.returncode}")
            stored = {name: found.document for name, found in self.etcd.all().items() if name in wanted}
            canonical = stored.get("shared/canonical")
            if not canonical or (servers is not None and canonical["FederatedServers"] != servers):
                return False
            reports = [stored.get(f"report/{node.id}") for node in nodes]
            return all(
                report is not None and _is_in_sync(node, report, canonical)
                for node, report in zip(nodes, reports, strict=True)
            )

        wanted = {"shared/canonical", *(f"report/{node.id}" for node in nodes)}
        names = ", ".join(node.id for node in nodes)
        wait_until(in_sync, f"{names} in sync" + (f" on {servers}" if servers else ""))

    @property
    def canonical(self) -> dict[str, Any]:
        """The canonical document; empty before the first version."""
        found = self.etcd.get("shared/canonical")
        return found.document if found else {}

    @property
    def version(self) -> int:
        version: int = self.canonical.get("version", 0)
        return version

    def report(self, node: Node) -> dict[str, Any] | None:
        """The node's report; None once its lease has expired."""
        found = self.etcd.get(f"report/{node.id}")
        return found.document if found else None

    def verdict(self, node: Node) -> dict[str, Any] | None:
        found = self.etcd.get(f"node/{node.id}/verdict")
        return found.document if found else None

    @property
    def leader(self) -> Node | None:
        """The leader by the keys in etcd: the candidate with the lowest create revision."""
        candidates = sorted(self.etcd.all("leader/").values(), key=lambda stored: stored.created)
        if not candidates:
            return None
        return next(node for node in self.nodes if node.id == candidates[0].document["node_id"])

    def wait(self, condition: Callable[[], Maybe[T]], message: str, deadline: float = DEADLINE) -> T:
        return wait_until(condition, message, deadline)

    def cli(self, command: str, *arguments: str, env: dict[str, str] | None = None) -> CommandResult:
        """Run a command against this network."""
        return run_sidecar(command, *arguments, *self._options, folder=self.folder, env=env)

    def run(self, command: str, *arguments: str) -> CommandResult:
        """Run a command without the options of this network."""
        return run_sidecar(command, *arguments, folder=self.folder)

    # Its end.

    def close(self) -> None:
        """End every process that was started here, by its pid."""
        for node in self.nodes:
            for sidecar in node.sidecars:
                if sidecar.poll() is None:
                    sidecar.send_signal(signal.SIGCONT)
                    sidecar.terminate()
        # There is no need to wait for processes that stop slowly.
        self._kill_leftovers(except_sidecars=True)
        for node in self.nodes:
            for sidecar in node.sidecars:
                _end(sidecar)
        self._kill_leftovers()
        self._ports.close()

    def _kill_leftovers(self, *, except_sidecars: bool = False) -> None:
        spared = (
            {sidecar.pid for node in self.nodes for sidecar in node.sidecars} if except_sidecars else set()
        )
        for pid in self.processes() - spared:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def processes(self) -> set[int]:
        """The processes whose command line names this network's folder."""
        found = set()
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"{self.folder}/".encode() in (entry / "cmdline").read_bytes():
                    found.add(int(entry.name))
            except OSError:
                continue
        return found

    def describe(self) -> str:
        """What a person needs to see when a test failed."""
        try:
            stored = [f"{name} (rev {s.modified}): {s.text}" for name, s in self.etcd.all().items()]
        except OSError as exc:
            stored = [f"etcd does not answer: {exc}"]
        return "\n".join([*(node.describe() for node in self.nodes), "--- etcd", *stored])


def _is_in_sync(node: Node, report: dict[str, Any], canonical: dict[str, Any]) -> bool:
    version = canonical["version"]
    if (report["phase"], report["healthy"], report["loaded_version"]) != ("running", True, version):
        return False
    # The report of a killed sidecar stays until its lease expires; the admin API is the current sidecar's.
    status = node.status
    if (report["pid"], status.get("loaded_version")) != (status.get("pid"), version):
        return False
    # A process may be healthy before its start is logged, and stopping it then would not count as a restart.
    last = node.starts[-1:]
    if status["pid"] is not None and not any(status["pid"] in _pids(start) for start in last):
        return False
    lists = [node.servers, *(start.servers for start in last)]
    return all(_normalized(found) == _normalized(canonical["FederatedServers"]) for found in lists)


def _pids(start: Event) -> tuple[int, int]:
    """The pids under which the sidecar may know a process: its own, or that of its launcher."""
    return start.pid, start.details["session"]


def _normalized(servers: list[str]) -> list[str]:
    """The list without differences of spelling."""
    return [url.lower().rstrip("/") for url in servers]


def _end(sidecar: subprocess.Popen[bytes]) -> None:
    try:
        sidecar.wait(5)
    except subprocess.TimeoutExpired:
        sidecar.kill()
        sidecar.wait()
