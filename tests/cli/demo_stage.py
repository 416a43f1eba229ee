"""A stage for the demo's tests: real files and diaries, sidecars and processes that say what a test wants."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from sidecar.domain.identity import Role
from sidecar_demo.checks import Checks
from sidecar_demo.node import Node, Place
from sidecar_demo.observing import Seen
from sidecar_demo.screen import Screen
from sidecar_demo.stage import Stage

LIST = ("http://localhost:9000", "http://localhost:9001")
WELL = Seen(
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
class Puppet(Node):
    """A node whose sidecar and process say what a test wants."""

    seen: Seen | None = WELL
    pid: int | None = 11

    def sidecar(self) -> Seen | None:
        return self.seen

    def process(self) -> int | None:
        return self.pid

    def says(self, **changes: Any) -> None:
        assert self.seen is not None
        self.seen = replace(self.seen, **changes)

    def wrote(self, *entries: dict[str, object]) -> None:
        """Its process wrote ``entries`` into its diary."""
        with self.file.with_name(f"{self.file.name}.diary").open("a") as diary:
            diary.writelines(json.dumps(entry) + "\n" for entry in entries)

    def lived(
        self, at: float, until: float | None = None, servers: tuple[str, ...] = LIST, pid: int = 11
    ) -> None:
        """Its process started at ``at``, served from a second later, and ended at ``until``."""
        self.wrote({"event": "start", "at": at, "pid": pid, "FederatedServers": servers})
        self.wrote({"event": "serve", "at": at + 1, "pid": pid})
        if until is not None:
            self.wrote({"event": "end", "at": until, "pid": pid})


def puppet(
    folder: Path, name: str = "fed-1", role: Role = Role.FEDERATED, servers: tuple[str, ...] = LIST
) -> Puppet:
    node = Puppet(name, role, 9000 + int(name[-1]) - 1, 9180, Place(folder, "http://127.0.0.1:1", "demo"))
    node.write(servers)
    return node


class NoEtcd:
    url = "http://127.0.0.1:1"

    def start(self) -> None: ...

    def stop(self) -> None: ...


def stage(folder: Path, *nodes: Node) -> tuple[Stage, StringIO]:
    """A stage with ``nodes`` on it, and what is printed."""
    out = StringIO()
    screen = Screen(out, acts=1)
    place = Place(folder, NoEtcd.url, "demo")
    found = Stage(place, 9000, NoEtcd(), Checks(screen), screen)
    found.nodes = {node.name: node for node in nodes}
    found.listed = LIST
    return found, out
