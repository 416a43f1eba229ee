"""podman with storage and settings of the tests' own, through its command line."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Nothing of the machine's own settings counts: neither its runtime nor its limits.
SETTINGS = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"

[network]
network_backend = "netavark"
network_config_dir = "{networks}"
"""


@dataclass(frozen=True, slots=True)
class Podman:
    """``folder`` holds its images, and all that runs."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Podman:
        """Make the settings in ``folder``."""
        networks = folder / "networks"
        networks.mkdir(parents=True, exist_ok=True)
        (folder / "containers.conf").write_text(SETTINGS.format(networks=networks))
        return cls(folder)

    def run(self, *arguments: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``podman`` with ``arguments``, whatever comes of it."""
        root, state = self.folder / "store", self.folder / "run"
        return subprocess.run(
            ["podman", "--root", str(root), "--runroot", str(state), "--log-level=error", *arguments],
            env={**os.environ, "CONTAINERS_CONF": str(self.folder / "containers.conf")},
            input=data,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def done(self, *arguments: str, data: str | None = None) -> str:
        """Run it; what it says. It has to succeed."""
        ended = self.run(*arguments, data=data)
        assert ended.returncode == 0, f"podman {' '.join(arguments)}: {ended.stderr}"
        return ended.stdout.strip()

    def inspect(self, container: str) -> dict[str, Any]:
        """What there is to know of a container."""
        (found,) = json.loads(self.done("container", "inspect", container))
        return dict(found)
