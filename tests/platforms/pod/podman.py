"""podman through its command line, with storage and settings for these tests alone."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# These replace the machine's settings.
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
    """A podman whose images and containers are in ``folder``."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Podman:
        """Write the settings into ``folder``."""
        networks = folder / "networks"
        networks.mkdir(parents=True, exist_ok=True)
        (folder / "containers.conf").write_text(SETTINGS.format(networks=networks))
        return cls(folder)

    def run(self, *arguments: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``podman`` with ``arguments``; it may fail."""
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

    def run_or_fail(self, *arguments: str, data: str | None = None) -> str:
        """Run ``podman``, which has to succeed; its output."""
        ended = self.run(*arguments, data=data)
        assert ended.returncode == 0, f"podman {' '.join(arguments)}: {ended.stderr}"
        return ended.stdout.strip()

    def inspect(self, container: str) -> dict[str, Any]:
        """The description of a container."""
        (found,) = json.loads(self.run_or_fail("container", "inspect", container))
        return dict(found)
