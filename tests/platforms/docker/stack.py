"""The stack of ``compose/``: its containers, and the lists that its nodes hold and serve."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.kit.http_client import http_get_json
from tests.kit.waiting import wait_until
from tests.platforms.docker.engine import Container, docker, docker_or_fail

REPOSITORY = Path(__file__).parents[3]
FILE = REPOSITORY / "compose" / "compose.yaml"

# The port that each node listens on.
PORTS = {"fed-1": 9000, "fed-2": 9001, "fed-3": 9002, "fed-4": 9004, "db-1": 8080}

# The images of tools/test-docker; a short lease, for the test that waits until it expires; free ports.
SETTINGS = {
    "SIDECAR_IMAGE": "federation-sidecar:test",
    "SERVER_IMAGE": "federated-server:test",
    "DATABASE_IMAGE": "database-node:test",
    "ETCD_IMAGE": "federation-base/etcd:3.4",
    "SIDECAR_LEASE_TTL": "8",
    **{f"{name.upper().replace('-', '_')}_PORT": "" for name in PORTS},
}

STACK_TIMEOUT = 90.0
"""Seconds until all of it has to be in sync."""


@cache
def compose_command() -> tuple[str, ...]:
    """$COMPOSE, the plugin, the one in .cache, or Debian's docker-compose: the first that exists."""
    if chosen := os.environ.get("COMPOSE"):
        return tuple(shlex.split(chosen))
    for command in (
        ("docker", "compose"),
        (str(REPOSITORY / ".cache" / "docker-compose"),),
        ("docker-compose",),
    ):
        try:
            if subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0:
                return command
        except FileNotFoundError:
            continue
    raise AssertionError("there is no docker compose; on Debian: apt-get install docker-compose")


class Stack:
    """A compose project with the name ``project``."""

    def __init__(self, project: str) -> None:
        self.project = project
        self._containers: dict[str, Container] = {}
        self._urls: dict[str, str] = {}

    def compose(self, *arguments: str, profile: str = "join") -> str:
        """Run compose with ``arguments``, which has to succeed; its output. fed-4 needs profile ``join``."""
        options = ("--profile", profile) if profile else ()
        line = [*compose_command(), "-p", self.project, "-f", str(FILE), *options, *arguments]
        found = subprocess.run(
            line, env=os.environ | SETTINGS, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip
        assert found.returncode == 0, f"{shlex.join(line)}:\n{found.stdout}\n{found.stderr}"
        return found.stdout.strip()

    def up(self, *services: str, profile: str = "") -> None:
        """Start ``services`` and what they depend on; it waits as compose does."""
        self.compose("up", "-d", *services, profile=profile)

    def down(self) -> None:
        """Remove all containers and volumes."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "2")

    def container(self, service: str) -> Container:
        """The container of ``service``, by the id that it keeps until it is recreated."""
        if service not in self._containers:
            self._containers[service] = Container(self.compose("ps", "-a", "-q", service))
        return self._containers[service]

    def leader(self) -> str | None:
        """The NodeID of the leader, according to the sidecar of fed-1 or fed-2."""
        for node in ("fed-1", "fed-2"):
            if self.container(f"{node}-sidecar").state["Running"]:
                found = self._sidecar_json(node, "leader")
                return str(found["node_id"]) if found else None
        return None

    def file(self, node: str) -> Path:
        """The node's configuration file, in its volume on this machine."""
        name = "config.json" if node.startswith("db-") else "federated.json"
        return self._volume(f"{node}-config") / name

    def rejected(self, node: str) -> list[Path]:
        """The diffs of rejected edits."""
        return sorted((self._volume(f"{node}-state") / "rejected").glob("*.diff"))

    def _volume(self, name: str) -> Path:
        return Path(docker_or_fail("volume", "inspect", "-f", "{{.Mountpoint}}", f"{self.project}_{name}"))

    def listed(self, node: str) -> list[str]:
        """The list in its file."""
        found: list[str] = json.loads(self.file(node).read_text())["FederatedServers"]
        return found

    def served(self, node: str) -> dict[str, Any]:
        """The process's status; empty while it does not answer or is not healthy."""
        healthy = http_get_json(f"{self._url(node)}/health")
        return http_get_json(f"{self._url(node)}/") if healthy else {}

    def _url(self, node: str) -> str:
        if node not in self._urls:
            self._urls[node] = f"http://{self.compose('port', f'{node}-pod', str(PORTS[node]))}"
        return self._urls[node]

    def lists_loaded(self, node: str) -> list[str]:
        """The list that the process loaded at each start, oldest first, as it logged it."""
        log = self.container(node).log
        return [line.partition("servers ")[2] for line in log.splitlines() if " listens on " in line]

    def wait_in_sync(self, servers: list[str], *nodes: str) -> None:
        """Wait until ``nodes`` hold ``servers`` in their files, serve them, and report to be healthy."""
        for node in nodes:
            wait_until(partial(self._is_in_sync, node, servers), f"{node} serves {servers}", STACK_TIMEOUT)
        wait_until(
            lambda: set(nodes) <= self._healthy_services(),
            f"{nodes} report to be healthy",
            STACK_TIMEOUT,
        )

    def _is_in_sync(self, node: str, servers: list[str]) -> bool:
        return self.listed(node) == servers and self.served(node).get("FederatedServers") == servers

    def _healthy_services(self) -> set[str]:
        """The nodes that report to be running and healthy."""
        found = self._sidecar_json("db-1", "members") or []
        return {node["node_id"] for node in found if (node["phase"], node["healthy"]) == ("running", True)}

    def _sidecar_json(self, node: str, command: str) -> Any:
        """The JSON that ``command`` prints in the node's sidecar container; None if it fails."""
        ended = docker("exec", self.container(f"{node}-sidecar").name, "sidecar", command, "--json")
        return json.loads(ended.out) if ended.code == 0 else None

    def describe(self) -> list[tuple[str, str]]:
        """What a person needs to see when a test fails: the state and log of each container."""
        ours = ("ps", "-a", "--filter", f"label=com.docker.compose.project={self.project}")
        names = docker_or_fail(*ours, "--format", "{{.Names}}").splitlines()
        logs = {name: Container(name).log.splitlines()[-25:] for name in sorted(names) if "pod" not in name}
        return [
            ("docker ps", docker_or_fail(*ours)),
            *((name, "\n".join(lines)) for name, lines in logs.items()),
        ]
