"""The network of the steps: real nodes that can be started, stopped, edited and inspected."""

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
from sidecar_demo.node import SIDECAR_STOP_TIMEOUT, DemoNode, Workspace
from sidecar_demo.screen import Screen

NETWORK = "demo"
COMMAND_TIMEOUT = 45.0
"""Seconds for a command, which itself waits 30 for the leader."""

# The place of each node in the block of ports: fed-1 on 9000, fed-4 on 9004.
PORT_OFFSETS = {"fed-1": 0, "fed-2": 1, "fed-3": 2, "fed-4": 4, "stranger": 9, "db-1": 10}
ADMIN_OFFSET = 180
OFFSETS = (*PORT_OFFSETS.values(), *(ADMIN_OFFSET + index for index in range(1, len(PORT_OFFSETS) + 1)))


class Etcd(Protocol):
    """The etcd of the demo."""

    @property
    def url(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FileStamp:
    """The attributes of a file that change when it is written."""

    inode: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        found = path.stat()
        return cls(found.st_ino, found.st_mtime_ns)


@dataclass(slots=True)
class DemoNetwork:
    """The network, and the expectations of the demo.

    ``expected_servers`` is the list that every file must hold, ``expected_starts`` how often each
    process must have been started.
    """

    workspace: Workspace
    base: int
    etcd: Etcd
    checks: Checks
    screen: Screen
    nodes: dict[str, DemoNode] = field(default_factory=dict)
    expected_servers: tuple[str, ...] = ()
    expected_starts: Counter[str] = field(default_factory=Counter)

    # The nodes.

    def url(self, name: str) -> str:
        return f"http://localhost:{self.base + PORT_OFFSETS[name]}"

    def urls(self, *names: str) -> tuple[str, ...]:
        return tuple(self.url(name) for name in names)

    def add_node(self, name: str, role: Role, servers: tuple[str, ...]) -> DemoNode:
        """Make a node whose file names ``servers``; its sidecar is not started."""
        admin = self.base + ADMIN_OFFSET + 1 + list(PORT_OFFSETS).index(name)
        node = DemoNode(name, role, self.base + PORT_OFFSETS[name], admin, self.workspace)
        node.write(servers)
        self.nodes[name] = node
        return node

    def node(self, name: str) -> DemoNode:
        return self.nodes[name]

    @property
    def members(self) -> list[DemoNode]:
        """The nodes that belong to the network: servers by name, then database nodes."""

        def belongs(node: DemoNode) -> bool:
            return node.role is Role.DATABASE or node.url in self.expected_servers

        found = filter(belongs, self.nodes.values())
        return sorted(found, key=lambda node: (node.role is Role.DATABASE, node.name))

    @property
    def servers(self) -> list[DemoNode]:
        return [node for node in self.members if node.role is Role.FEDERATED]

    def leader(self) -> DemoNode | None:
        """The node that reports to be the leader."""
        for node in self.nodes.values():
            status = node.sidecar()
            if status is not None and status.leading:
                return node
        return None

    # Actions.

    def announce(self, what: str) -> None:
        """Announce an action."""
        self.screen.announce(what)

    def start(self, *nodes: DemoNode) -> None:
        """Start sidecars that will start their processes."""
        for node in nodes:
            self.expected_starts[node.name] += 1
            node.start()

    def run_command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the command line on this network."""
        return subprocess.run(
            [sys.executable, "-m", "sidecar", *words, "--etcd", self.workspace.etcd, "--network", NETWORK],
            cwd=self.workspace.folder,
            env=self.workspace.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )

    def close(self) -> None:
        """Stop everything; nothing that was started here is left."""
        nodes = list(self.nodes.values())
        for node in nodes:
            node.request_stop()
        deadline = time.monotonic() + SIDECAR_STOP_TIMEOUT
        for node in nodes:
            node.wait_stopped(deadline)
        for pid in self.workspace.processes():  # those whose sidecar was killed, or could not stop them
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def join_names(nodes: Sequence[DemoNode]) -> str:
    """``fed-1, fed-2 and db-1``."""
    words = [node.name for node in nodes]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
