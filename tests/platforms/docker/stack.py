"""The stack of ``compose/``, brought up as a person would, and what its nodes hold and serve."""

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

# Where each node listens: its own port, in its pod.
PORTS = {"fed-1": 9000, "fed-2": 9001, "fed-3": 9002, "fed-4": 9004, "db-1": 8080}

# What tools/test-docker built; a short lease, for the test that waits for its end; any port that is free.
SETTINGS = {
    "SIDECAR_IMAGE": "federation-sidecar:test",
    "SERVER_IMAGE": "federated-server:test",
    "DATABASE_IMAGE": "database-node:test",
    "ETCD_IMAGE": "federation-base/etcd:3.4",
    "SIDECAR_LEASE_TTL": "8",
    **{f"{name.upper().replace('-', '_')}_PORT": "" for name in PORTS},
}

STACK_TIMEOUT = 90.0
"""Seconds that all of it may take to be in step."""


@cache
def compose_command() -> tuple[str, ...]:
    """COMPOSE, else the plugin, else one that was built here, else Debian's docker-compose."""
    if told := os.environ.get("COMPOSE"):
        return tuple(shlex.split(told))
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
    """One project of compose, under a name of its own."""

    def __init__(self, project: str) -> None:
        self.project = project
        self._containers: dict[str, Container] = {}
        self._urls: dict[str, str] = {}

    def compose(self, *arguments: str, profile: str = "join") -> str:
        """Run compose with ``arguments``, successfully; what it says. Without a profile there is no fed-4."""
        options = ("--profile", profile) if profile else ()
        line = [*compose_command(), "-p", self.project, "-f", str(FILE), *options, *arguments]
        found = subprocess.run(
            line, env=os.environ | SETTINGS, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip
        assert found.returncode == 0, f"{shlex.join(line)}:\n{found.stdout}\n{found.stderr}"
        return found.stdout.strip()

    def up(self, *services: str, profile: str = "") -> None:
        """Bring up ``services`` and what they need, as far as compose itself waits for it."""
        self.compose("up", "-d", *services, profile=profile)

    def down(self) -> None:
        """Remove all of it, with what it kept."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "2")

    def container(self, service: str) -> Container:
        """The container of ``service``; it keeps its id for as long as it is not made anew."""
        if service not in self._containers:
            self._containers[service] = Container(self.compose("ps", "-a", "-q", service))
        return self._containers[service]

    def leader(self) -> str | None:
        """Who leads, as fed-1's or fed-2's sidecar knows it."""
        for node in ("fed-1", "fed-2"):
            if self.container(f"{node}-sidecar").state["Running"]:
                found = self._sidecar_json(node, "leader")
                return str(found["node_id"]) if found else None
        return None

    def file(self, node: str) -> Path:
        """The node's configuration file, as this machine sees its volume."""
        name = "config.json" if node.startswith("db-") else "federated.json"
        return self._volume(f"{node}-config") / name

    def rejected(self, node: str) -> list[Path]:
        """The diffs of what was not obeyed."""
        return sorted((self._volume(f"{node}-state") / "rejected").glob("*.diff"))

    def _volume(self, name: str) -> Path:
        return Path(docker_or_fail("volume", "inspect", "-f", "{{.Mountpoint}}", f"{self.project}_{name}"))

    def listed(self, node: str) -> list[str]:
        """The list that its file holds."""
        found: list[str] = json.loads(self.file(node).read_text())["FederatedServers"]
        return found

    def serves(self, node: str) -> dict[str, Any]:
        """What the process answers; nothing while it does not answer, or says that it is not healthy."""
        healthy = http_get_json(f"{self._url(node)}/health")
        return http_get_json(f"{self._url(node)}/") if healthy else {}

    def _url(self, node: str) -> str:
        if node not in self._urls:
            self._urls[node] = f"http://{self.compose('port', f'{node}-pod', str(PORTS[node]))}"
        return self._urls[node]

    def lists_loaded(self, node: str) -> list[str]:
        """Which list each life of the process loaded, oldest first, in its own words."""
        log = self.container(node).log
        return [line.partition("servers ")[2] for line in log.splitlines() if " listens on " in line]

    def in_step(self, servers: list[str], *nodes: str) -> None:
        """Wait until the files of ``nodes`` hold ``servers``, their processes serve them, and they say so."""
        for node in nodes:
            wait_until(partial(self._is_in_step, node, servers), f"{node} serves {servers}", STACK_TIMEOUT)
        wait_until(
            lambda: set(nodes) <= self._healthy_services(),
            f"{nodes} report that they are in step",
            STACK_TIMEOUT,
        )

    def _is_in_step(self, node: str, servers: list[str]) -> bool:
        return self.listed(node) == servers and self.serves(node).get("FederatedServers") == servers

    def _healthy_services(self) -> set[str]:
        """The nodes that report themselves running and healthy."""
        found = self._sidecar_json("db-1", "members") or []
        return {node["node_id"] for node in found if (node["phase"], node["healthy"]) == ("running", True)}

    def _sidecar_json(self, node: str, verb: str) -> Any:
        """What ``verb`` says in JSON in the node's sidecar container; None while it cannot be asked."""
        ended = docker("exec", self.container(f"{node}-sidecar").name, "sidecar", verb, "--json")
        return json.loads(ended.out) if ended.code == 0 else None

    def describe(self) -> list[tuple[str, str]]:
        """What a person needs to see when a test failed: each container's state and last words."""
        ours = ("ps", "-a", "--filter", f"label=com.docker.compose.project={self.project}")
        names = docker_or_fail(*ours, "--format", "{{.Names}}").splitlines()
        said = {name: Container(name).log.splitlines()[-25:] for name in sorted(names) if "pod" not in name}
        return [
            ("docker ps", docker_or_fail(*ours)),
            *((name, "\n".join(lines)) for name, lines in said.items()),
        ]
