"""Nodes as an operator lays them: a folder in /etc/federation, and the shipped units."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.http_client import http_get_json
from tests.kit.ports import PortPool
from tests.kit.waiting import wait_until
from tests.platforms.systemd.managers import Manager

SHIPPED = Path(__file__).parents[3] / "systemd"
INSTALLED = Path("/etc/systemd/system")
BINARY = Path("/usr/local/bin/sidecar")
SERVER = Path("/srv/server.sh")

# It notes its start, and ends as a JVM does.
_SERVER = "#!/bin/sh\ntrap 'exit 143' TERM\necho $$ >> starts\nwhile :; do sleep 0.1; done\n"


def install(system: Manager) -> None:
    """Follow docs/how-to/systemd.md, but for a node."""
    shutil.copy(SHIPPED.parent / "dist" / "sidecar", BINARY)
    for unit in SHIPPED.glob("*.service"):
        shutil.copy(unit, INSTALLED)
    sysusers = Path("/usr/lib/sysusers.d/federation.conf")
    shutil.copy(SHIPPED / "federation.sysusers", sysusers)
    subprocess.run(["systemd-sysusers"], check=True)
    SERVER.write_text(_SERVER)
    SERVER.chmod(0o755)
    system.systemctl("daemon-reload")


@dataclass(slots=True)
class Node:
    """The node in ``folder``, looked after by ``unit``."""

    system: Manager
    unit: str
    folder: Path
    url: str
    admin: str

    @classmethod
    def create(cls, system: Manager, unit: str, folder: Path, ports: PortPool) -> Node:
        """A folder of the user `federation`; what is in it, `configure` writes."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(system, unit, folder, f"http://localhost:{ports.take()}", f"127.0.0.1:{ports.take()}")

    def configure(self, name: str, etcd: str, servers: list[str], **more: str) -> None:
        """Its file, which names ``servers``, and its environment."""
        port = int(self.url.rpartition(":")[2])
        document = {"Mode": "federated", "Port": port, "NodeID": name, "FederatedServers": servers}
        (self.folder / "federated.json").write_text(json.dumps(document))
        told = {
            "SIDECAR_ETCD": etcd,
            "SIDECAR_NETWORK": "units",
            "SIDECAR_ADMIN": self.admin,
            "SIDECAR_HEALTH": "exec:/bin/true",
            "ARGUMENTS": f"-- {SERVER}",
        } | more
        lines = (f"{key}={value}\n" for key, value in told.items())
        (self.folder / "environment").write_text("".join(lines))
        user = pwd.getpwnam("federation")
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)

    @property
    def starts(self) -> list[int]:
        """The process's number at each of its starts."""
        path = self.folder / "starts"
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    @property
    def servers(self) -> list[str]:
        found: list[str] = json.loads((self.folder / "federated.json").read_text())["FederatedServers"]
        return found

    @property
    def status(self) -> dict[str, Any]:
        """What the admin API says; nothing while it does not answer."""
        return http_get_json(f"http://{self.admin}/api/v1/status")

    def in_step(self) -> dict[str, Any]:
        """Wait until it is; its status then."""

        def there() -> dict[str, Any] | None:
            status = self.status
            if status.get("reason") != "in step":
                return None
            # Its process may be healthy before it has told of its start.
            return status if status["pid"] in (*self.starts, None) else None

        return wait_until(there, f"{self.unit} is in step\n{self.journal()}")

    def journal(self) -> str:
        """What its unit logged."""
        argv = ["journalctl", "--no-pager", "--output=cat", f"--unit={self.unit}"]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def close(self) -> None:
        """Stop its unit, kill what it left, and take its folder away."""
        self.system.systemctl("stop", self.unit, check=False)
        self.system.systemctl("kill", "--signal=SIGKILL", self.unit, check=False)
        self.system.systemctl("reset-failed", self.unit, check=False)
        shutil.rmtree(self.folder)
        shutil.rmtree("/var/lib/federation", ignore_errors=True)


def alive(pid: int) -> bool:
    """Whether it runs, and is no zombie."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
