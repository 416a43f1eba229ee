"""Where the acts play: a network of real nodes that can be started, stopped, edited and looked at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sidecar.domain.identity import Role
from sidecar_demo.checks import Checks
from sidecar_demo.node import PATIENCE, Node, Place
from sidecar_demo.screen import Screen

NETWORK = "demo"
VERB_PATIENCE = 45.0
"""Seconds for a verb, which itself waits 30 for the leader."""

# Where in the block of ports everything is. The owner's own: fed-1 on 9000, fed-4 on 9004.
PORTS = {"fed-1": 0, "fed-2": 1, "fed-3": 2, "fed-4": 4, "stranger": 9, "db-1": 10}
ADMIN = 180
OFFSETS = (*PORTS.values(), *(ADMIN + place for place in range(1, len(PORTS) + 1)))


class Etcd(Protocol):
    """The etcd of the demo."""

    @property
    def url(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when somebody writes a file."""

    inode: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        found = path.stat()
        return cls(found.st_ino, found.st_mtime_ns)


@dataclass(slots=True)
class Stage:
    """The network, and what the story says of it so far.

    ``listed`` is the list that every file must hold, ``starts`` how often each process must have been
    started.
    """

    place: Place
    base: int
    etcd: Etcd
    checks: Checks
    screen: Screen
    nodes: dict[str, Node] = field(default_factory=dict)
    listed: tuple[str, ...] = ()
    starts: Counter[str] = field(default_factory=Counter)

    # Who is there.

    def url(self, name: str) -> str:
        return f"http://localhost:{self.base + PORTS[name]}"

    def urls(self, *names: str) -> tuple[str, ...]:
        return tuple(self.url(name) for name in names)

    def settle(self, name: str, role: Role, servers: tuple[str, ...]) -> Node:
        """Make a node whose file names ``servers``; its sidecar is not started."""
        admin = self.base + ADMIN + 1 + list(PORTS).index(name)
        node = Node(name, role, self.base + PORTS[name], admin, self.place)
        node.write(servers)
        self.nodes[name] = node
        return node

    def node(self, name: str) -> Node:
        return self.nodes[name]

    @property
    def members(self) -> list[Node]:
        """The nodes that belong to the network: servers by name, then database nodes."""

        def belongs(node: Node) -> bool:
            return node.role is Role.DATABASE or node.url in self.listed

        found = filter(belongs, self.nodes.values())
        return sorted(found, key=lambda node: (node.role is Role.DATABASE, node.name))

    @property
    def servers(self) -> list[Node]:
        return [node for node in self.members if node.role is Role.FEDERATED]

    def leader(self) -> Node | None:
        """Who says that it leads."""
        for node in self.nodes.values():
            seen = node.sidecar()
            if seen is not None and seen.leading:
                return node
        return None

    # What is done to it.

    def tell(self, what: str) -> None:
        """Announce what is about to be done."""
        self.screen.tell(what)

    def start(self, *nodes: Node) -> None:
        """Start sidecars that will start their processes."""
        for node in nodes:
            self.starts[node.name] += 1
            node.start()

    def verb(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another verb of the command line on this network."""
        return subprocess.run(
            [sys.executable, "-m", "sidecar", *words, "--etcd", self.place.etcd, "--network", NETWORK],
            cwd=self.place.folder,
            env=self.place.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERB_PATIENCE,
            check=False,
        )

    def close(self) -> None:
        """Stop everything; nothing that was started here is left."""
        nodes = list(self.nodes.values())
        for node in nodes:
            node.ask_to_stop()
        deadline = time.monotonic() + PATIENCE
        for node in nodes:
            node.stopped(deadline)
        for pid in self.place.processes():  # those whose sidecar was killed, or could not stop them
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def names(nodes: Sequence[Node]) -> str:
    """``fed-1, fed-2 and db-1``."""
    words = [node.name for node in nodes]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
