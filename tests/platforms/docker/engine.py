"""The Docker engine, through its command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.kit.commands import CommandResult

BASE = "federation-base/debian:bookworm"
PYTHON = "federation-base/python:3.11"
JAVA = "federation-base/java:17"

# Everything that a test creates has this label, so that it can be found and removed.
LABEL = "federation-sidecar.test"


def docker(*arguments: str) -> CommandResult:
    """Run ``docker`` with ``arguments``; it may fail."""
    found = subprocess.run(
        ["docker", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return CommandResult(found.returncode, found.stdout.strip(), found.stderr.strip())


def docker_or_fail(*arguments: str) -> str:
    """Run ``docker`` with ``arguments``, which has to succeed; its output."""
    ended = docker(*arguments)
    assert ended.code == 0, f"docker {' '.join(arguments)}: {ended.err or ended.out}"
    return ended.out


@dataclass(frozen=True, slots=True)
class Container:
    """A container that a test creates, by its name."""

    name: str

    def run(self, *options: str, image: str = BASE, command: tuple[str, ...] = ()) -> None:
        """Create and start it."""
        docker_or_fail("run", "-d", "--name", self.name, "--label", LABEL, *options, image, *command)

    @property
    def inspected(self) -> dict[str, Any]:
        """The engine's description of it."""
        found: dict[str, Any] = json.loads(docker_or_fail("inspect", "--type", "container", self.name))[0]
        return found

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.inspected["State"]
        return found

    @property
    def started_at(self) -> str:
        return str(self.state["StartedAt"])

    @property
    def health(self) -> str:
        """``starting``, ``healthy`` or ``unhealthy``."""
        return str(self.state["Health"]["Status"])

    @property
    def log(self) -> str:
        ended = docker("logs", self.name)
        return f"{ended.out}\n{ended.err}"

    def exec(self, *command: str) -> str:
        """Run ``command`` inside, which has to succeed; its output."""
        return docker_or_fail("exec", self.name, *command)

    def exec_failing(self, *command: str) -> str:
        """Run ``command`` inside, which has to fail; its output."""
        ended = docker("exec", self.name, *command)
        assert ended.code != 0, f"{command} did not fail: {ended.out}"
        return f"{ended.out}\n{ended.err}"

    def crash(self) -> None:
        """Kill its process as a crash does; after `docker kill` Docker would not start it again."""
        pid = self.state["Pid"]
        assert pid > 1, "it is not running"
        os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.name)
