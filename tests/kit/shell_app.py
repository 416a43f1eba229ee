"""A process for machines without Python, and a node that runs it: for the binary and the systemd units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.kit.observed_node import ObservedNode
from tests.kit.product_texts import IN_SYNC
from tests.kit.waiting import wait_until


def shell_app(starts: str, exit_code: int) -> str:
    """A shell program that appends its pid to the file ``starts`` and exits with ``exit_code`` on SIGTERM."""
    return f"trap 'exit {exit_code}' TERM; echo $$ >> {starts}; while :; do sleep 0.1; done"


class ShellAppNode(ObservedNode):
    """A node whose process is a `shell_app`, which appends its pid to ``starts_file``."""

    __slots__ = ()

    @property
    def starts_file(self) -> Path:
        raise NotImplementedError

    def write_file(self, url: str, servers: list[str]) -> None:
        """Write its configuration file."""
        port = int(url.rpartition(":")[2])
        document = {"Mode": "federated", "Port": port, "NodeID": self.id, "FederatedServers": servers}
        self.file.write_text(json.dumps(document))

    @property
    def starts(self) -> list[int]:
        """The pid of the process at each of its starts."""
        return [int(pid) for pid in self.starts_file.read_text().split()] if self.starts_file.exists() else []

    def wait_in_sync(self) -> dict[str, Any]:
        """Wait until the sidecar says so; its status then."""

        def in_sync() -> dict[str, Any] | None:
            status = self.status
            if status.get("reason") != IN_SYNC:
                return None
            # A process may be healthy before it has logged its start; a node without one has no pid.
            return status if status["pid"] in (*self.starts, None) else None

        return wait_until(in_sync, f"{self.id} is in sync\n{self.describe()}")

    def describe(self) -> str:
        """What a person needs to see when a test fails."""
        return ""
