"""Java nodes: how each is launched, and its status over HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit.http_client import http_get_json
from tests.kit.network import Network
from tests.kit.node import Node
from tests.kit.waiting import DEADLINE, Maybe, T, wait_until

JAVA = Path(__file__).parents[3] / "java"
JARS = {name: JAVA / f"examples/{name}/target/{name}.jar" for name in ("federated-server", "database-node")}
# Small and quick to start, because many of them run at the same time.
OPTIONS = ("-Xmx48m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
NETWORK_TIMEOUT = 90.0
"""Seconds; a JVM starts slowly on a busy machine."""


@dataclass(slots=True)
class JavaNode:
    """One node, and the port that its program serves on."""

    node: Node
    port: int
    launched: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def jar(self) -> Path:
        return JARS["federated-server" if self.node.url else "database-node"]

    @property
    def command(self) -> tuple[str, ...]:
        """The ``java -jar`` command line."""
        return ("java", *OPTIONS, "-jar", str(self.jar), str(self.node.file))

    @property
    def environment(self) -> dict[str, str]:
        return {"LISTEN_HOST": "127.0.0.1"} | ({} if self.node.url else {"HTTP_PORT": str(self.port)})

    def start(self, *options: str, command: tuple[str, ...] | None = None, **env: str) -> None:
        """Start its sidecar next to ``command``."""
        command = self.command if command is None else command
        self.node.start(*options, command=command, env=self.environment | env)

    def launch(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        """Launch ``command`` without its sidecar, as another supervisor does."""
        with (self.node.folder / "program.log").open("ab") as log:
            launched = subprocess.Popen(
                command,
                cwd=self.node.folder,
                env=os.environ | self.environment | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.launched.append(launched)
        return launched

    def script(self, text: str) -> tuple[str, ...]:
        """Write a ``run.sh``; ``{java}`` in ``text`` stands for `command`."""
        path = self.node.folder / "run.sh"
        path.write_text("#!/bin/sh\n" + text.format(java=" ".join(self.command)))
        path.chmod(0o755)
        return (str(path),)

    @property
    def status(self) -> dict[str, Any]:
        """The program's status; empty while it does not answer."""
        return http_get_json(f"http://127.0.0.1:{self.port}/")

    @property
    def log(self) -> str:
        """The logs of its sidecar and its program."""
        files = [self.node.folder / name for name in ("sidecar.log", "program.log")]
        return "".join(file.read_text() for file in files if file.exists())


class JavaNetwork:
    """A `Network` whose nodes are JVMs."""

    def __init__(self, etcd_url: str, folder: Path, name: str) -> None:
        self.network = Network(etcd_url, folder, name, lease_ttl=10)
        self.nodes: list[JavaNode] = []

    def servers(self, count: int) -> list[JavaNode]:
        return [self._wrap(node) for node in self.network.servers(count)]

    def newcomer(self, name: str, *known: JavaNode) -> JavaNode:
        return self._wrap(self.network.newcomer(name, *(each.node for each in known)))

    def database(self, name: str, server: JavaNode) -> JavaNode:
        node = self.network.database(name, server.node.servers)
        port = self.network.port()
        node.defaults = (*node.defaults, "--health", f"http://127.0.0.1:{port}/health")
        return self._wrap(node, port)

    def _wrap(self, node: Node, port: int | None = None) -> JavaNode:
        java = JavaNode(node, port or int(str(node.url).rpartition(":")[2]))
        node.defaults = (*node.defaults, "--start-timeout", "90")
        self.nodes.append(java)
        return java

    def wait_in_sync(self, *nodes: JavaNode) -> None:
        """Wait until all serve the canonical list, hold it in their files, and report to be healthy on it."""
        names = ", ".join(java.node.id for java in nodes)
        self.wait(lambda: all(self._is_in_sync(java) for java in nodes), f"{names} in sync")

    def _is_in_sync(self, java: JavaNode) -> bool:
        canonical = self.network.canonical
        report = self.network.report(java.node)
        if not canonical or not report or not report["healthy"]:
            return False
        lists = [java.status.get("FederatedServers"), java.node.servers]
        return report["loaded_version"] == canonical["version"] and all(
            found == canonical["FederatedServers"] for found in lists
        )

    def wait(self, condition: Callable[[], Maybe[T]], message: str) -> T:
        return wait_until(condition, message, NETWORK_TIMEOUT)

    def close(self) -> None:
        for java in self.nodes:
            for launched in java.launched:
                if launched.poll() is None:
                    os.killpg(launched.pid, signal.SIGKILL)
                launched.wait(DEADLINE)
        self.network.close()
