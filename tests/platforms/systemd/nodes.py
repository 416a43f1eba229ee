"""Nodes as an operator sets them up: a folder in /etc/federation, and the shipped units."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.kit.ports import PortPool
from tests.kit.shell_app import ShellAppNode, shell_app
from tests.platforms.systemd.managers import Manager

SHIPPED = Path(__file__).parents[3] / "systemd"
INSTALLED = Path("/etc/systemd/system")
BINARY = Path("/usr/local/bin/sidecar")
SERVER = Path("/srv/server.sh")
JVM_EXIT_CODE = 143
"""What a JVM exits with on SIGTERM."""


def install(system: Manager) -> None:
    """Follow docs/how-to/systemd.md, but for a node."""
    shutil.copy(SHIPPED.parent / "dist" / "sidecar", BINARY)
    for unit in SHIPPED.glob("*.service"):
        shutil.copy(unit, INSTALLED)
    sysusers = Path("/usr/lib/sysusers.d/federation.conf")
    shutil.copy(SHIPPED / "federation.sysusers", sysusers)
    subprocess.run(["systemd-sysusers"], check=True)
    SERVER.write_text("#!/bin/sh\n" + shell_app("starts", JVM_EXIT_CODE) + "\n")
    SERVER.chmod(0o755)
    system.systemctl("daemon-reload")


@dataclass(slots=True)
class Node(ShellAppNode):
    """The node in ``folder``, whose sidecar is ``unit``."""

    id: str
    system: Manager
    unit: str
    folder: Path
    file: Path
    url: str
    admin: str

    @classmethod
    def create(cls, name: str, system: Manager, unit: str, folder: Path, ports: PortPool) -> Node:
        """A node whose folder is still empty; `configure` fills it."""
        folder.mkdir(parents=True, exist_ok=True)
        url, admin = f"http://localhost:{ports.take()}", f"127.0.0.1:{ports.take()}"
        return cls(name, system, unit, folder, folder / "federated.json", url, admin)

    def configure(self, etcd: str, servers: list[str], **extra: str) -> None:
        """Write its file, which lists ``servers``, and its environment; they belong to user federation."""
        self.write_file(self.url, servers)
        environment = {
            "SIDECAR_ETCD": etcd,
            "SIDECAR_NETWORK": "units",
            "SIDECAR_ADMIN": self.admin,
            "SIDECAR_HEALTH": "exec:/bin/true",
            "ARGUMENTS": f"-- {SERVER}",
        } | extra
        lines = (f"{key}={value}\n" for key, value in environment.items())
        (self.folder / "environment").write_text("".join(lines))
        user = pwd.getpwnam("federation")
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)

    @property
    def starts_file(self) -> Path:
        return self.folder / "starts"

    def journal(self) -> str:
        """What its unit logged."""
        argv = ["journalctl", "--no-pager", "--output=cat", f"--unit={self.unit}"]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def describe(self) -> str:
        return self.journal()

    def close(self) -> None:
        """Stop its unit, kill what is left of it, and remove its folder."""
        self.system.systemctl("stop", self.unit, check=False)
        self.system.systemctl("kill", "--signal=SIGKILL", self.unit, check=False)
        self.system.systemctl("reset-failed", self.unit, check=False)
        shutil.rmtree(self.folder)
        shutil.rmtree("/var/lib/federation", ignore_errors=True)
