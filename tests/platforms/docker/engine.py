"""The Docker engine, through its command line, as a person would use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from typing import Any

BASE = "federation-base/debian:bookworm"
PYTHON = "federation-base/python:3.11"
JAVA = "federation-base/java:17"

# Everything that a test makes bears it, so that it can be found again and removed.
LABEL = "federation-sidecar.test"


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    code: int
    out: str
    err: str


def docker(*arguments: str) -> CommandResult:
    """Run ``docker`` with ``arguments``, whatever comes of it."""
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
    """Run ``docker`` with ``arguments``; what it says. It has to succeed."""
    ended = docker(*arguments)
    assert ended.code == 0, f"docker {' '.join(arguments)}: {ended.err or ended.out}"
    return ended.out


@dataclass(frozen=True, slots=True)
class Container:
    """A container that a test made, by its name."""

    name: str

    def run(self, *options: str, image: str = BASE, command: tuple[str, ...] = ()) -> None:
        """Create and start it."""
        docker_or_fail("run", "-d", "--name", self.name, "--label", LABEL, *options, image, *command)

    @property
    def inspected(self) -> dict[str, Any]:
        """What the engine says of it."""
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
        """Run ``command`` inside, successfully; what it says."""
        return docker_or_fail("exec", self.name, *command)

    def fails(self, *command: str) -> str:
        """Run ``command`` inside, which has to fail; what it says."""
        ended = docker("exec", self.name, *command)
        assert ended.code != 0, f"{command} did not fail: {ended.out}"
        return f"{ended.out}\n{ended.err}"

    def die(self) -> None:
        """End its process as a crash would: `docker kill` is an order, after which Docker lets it be."""
        pid = self.state["Pid"]
        assert pid > 1, "it does not run"
        os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.name)
