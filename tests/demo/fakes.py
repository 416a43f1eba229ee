"""A network for the demo's tests: real files and event logs, with sidecars that a test scripts."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from sidecar.domain.identity import Role
from sidecar_demo.checks import Checks
from sidecar_demo.network import DemoNetwork
from sidecar_demo.node import DemoNode, Workspace
from sidecar_demo.node_status import SidecarStatus
from sidecar_demo.screen import Screen

LIST = ("http://localhost:9000", "http://localhost:9001")
HEALTHY = SidecarStatus(
    phase="running",
    reason="in step",
    ready=True,
    leading=False,
    lease_alive=True,
    pid=11,
    canonical_version=3,
    loaded_version=3,
)


@dataclass
class FakeNode(DemoNode):
    """A node whose sidecar and process report what a test sets."""

    status: SidecarStatus | None = HEALTHY
    pid: int | None = 11

    def sidecar(self) -> SidecarStatus | None:
        return self.status

    def process(self) -> int | None:
        return self.pid

    def set_status(self, **changes: Any) -> None:
        assert self.status is not None
        self.status = replace(self.status, **changes)

    def add_events(self, *entries: dict[str, object]) -> None:
        """Its process wrote ``entries`` into its event log."""
        with self.file.with_name(f"{self.file.name}.event_log").open("a") as event_log:
            event_log.writelines(json.dumps(entry) + "\n" for entry in entries)

    def add_incarnation(
        self, at: float, until: float | None = None, servers: tuple[str, ...] = LIST, pid: int = 11
    ) -> None:
        """Its process started at ``at``, served from a second later, and ended at ``until``."""
        self.add_events({"event": "start", "at": at, "pid": pid, "FederatedServers": servers})
        self.add_events({"event": "serve", "at": at + 1, "pid": pid})
        if until is not None:
            self.add_events({"event": "end", "at": until, "pid": pid})


def fake_node(
    folder: Path, name: str = "fed-1", role: Role = Role.FEDERATED, servers: tuple[str, ...] = LIST
) -> FakeNode:
    node = FakeNode(
        name, role, 9000 + int(name[-1]) - 1, 9180, Workspace(folder, "http://127.0.0.1:1", "demo")
    )
    node.write(servers)
    return node


class NoEtcd:
    url = "http://127.0.0.1:1"

    def start(self) -> None: ...

    def stop(self) -> None: ...


def demo_network(folder: Path, *nodes: DemoNode) -> tuple[DemoNetwork, StringIO]:
    """A network with ``nodes``, and its output."""
    out = StringIO()
    screen = Screen(out, steps=1)
    workspace = Workspace(folder, NoEtcd.url, "demo")
    found = DemoNetwork(workspace, 9000, NoEtcd(), Checks(screen), screen)
    found.nodes = {node.name: node for node in nodes}
    found.expected_servers = LIST
    return found, out
