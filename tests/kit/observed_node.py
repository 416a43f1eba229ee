"""What a test sees of a node from outside, however its sidecar was started: its file and its admin API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.kit.http_client import http_get
from tests.kit.waiting import DEADLINE, wait_until


class ObservedNode:
    """A node with its configuration in ``file`` and its sidecar's admin API at ``admin``, HOST:PORT."""

    __slots__ = ()
    id: str
    file: Path
    admin: str

    @property
    def servers(self) -> list[str]:
        """The list in its file."""
        servers: list[str] = json.loads(self.file.read_text())["FederatedServers"]
        return servers

    def edit(self, **keys: Any) -> None:
        """Change keys of the file as an editor does: rewrite all of it in place."""
        document = json.loads(self.file.read_text()) | keys
        self.file.write_text(json.dumps(document, indent=2) + "\n")

    @property
    def admin_port(self) -> int:
        return int(self.admin.rpartition(":")[2])

    def get(self, path: str, host: str | None = None) -> tuple[int, str]:
        """GET ``path`` of the admin API: the status code and the body; 0 if there is no answer."""
        return http_get(f"http://{self.admin}{path}", {"Host": host} if host else {})

    @property
    def status(self) -> dict[str, Any]:
        """The sidecar's status; empty while it does not answer."""
        code, body = self.get("/api/v1/status")
        status: dict[str, Any] = json.loads(body) if code else {}
        return status

    def wait_for_phase(self, phase: str, deadline: float = DEADLINE) -> dict[str, Any]:
        """Wait until the sidecar is in ``phase``; its status then."""

        def in_phase() -> dict[str, Any]:
            status = self.status
            return status if status.get("phase") == phase else {}

        return wait_until(in_phase, f"{self.id} is {phase}, not {self.status.get('phase')}", deadline)

    def wait_for_reason(self, text: str) -> dict[str, Any]:
        """Wait until the sidecar gives a reason that contains ``text``; its status then."""

        def has_reason() -> dict[str, Any]:
            status = self.status
            return status if text in status.get("reason", "") else {}

        return wait_until(has_reason, f"{self.id} gives the reason: {text}")

    def wait_for_lease_loss(self) -> None:
        """Wait until the sidecar knows that it cannot reach etcd, and that its lease may have expired."""
        wait_until(lambda: self.status.get("lease_alive") is False, f"{self.id} has no lease")
