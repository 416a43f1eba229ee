"""`sidecar run` of the binary, on a real etcd, with a process next to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.etcd import EtcdServer
from tests.kit.http_client import http_get_json
from tests.kit.ports import PortPool
from tests.kit.waiting import wait_until
from tests.platforms.binary.root_filesystems import RootFilesystem

# It notes what it was given and that it started, and ends with 7 when it is told to.
APP = "env > /data/environment; trap 'exit 7' TERM; echo $$ >> /data/starts; while :; do sleep 0.1; done"


class Node:
    """A sidecar of the binary on an old Debian, with `APP` next to it."""

    def __init__(self, machine: RootFilesystem, etcd: EtcdServer) -> None:
        self.machine = machine
        self._ports = PortPool()
        self.url = f"http://localhost:{self._ports.take()}"
        self.file = machine.data / "federated.json"
        self.write([self.url])
        os.chown(self.file, 65534, 65534)
        self.admin = f"127.0.0.1:{self._ports.take()}"
        self.options = ("--etcd", etcd.url, "--network", uuid.uuid4().hex, "--admin", self.admin)
        self.process = self.start()

    def write(self, servers: list[str]) -> None:
        document = {"Mode": "federated", "NodeID": "fed-1", "FederatedServers": servers}
        self.file.write_text(json.dumps({**document, "Port": int(self.url.rpartition(":")[2])}))

    @property
    def servers(self) -> list[str]:
        found: list[str] = json.loads(self.file.read_text())["FederatedServers"]
        return found

    def start(self, program: str = "/sidecar") -> subprocess.Popen[str]:
        # Not into a pipe: its process holds the other end for as long as it lives.
        with self.log.open("ab") as log:
            return self.machine.start(
                *("run", "--file", "/data/federated.json", "--state-dir", "/data/state"),
                *("--health", "exec:/bin/true", *self.options, "--", "/bin/sh", "-c", APP),
                program=program,
                output=log.fileno(),
            )

    @property
    def log(self) -> Path:
        return self.machine.data / "log"

    def stop(self) -> None:
        """End it as a service manager would."""
        self.in_step()
        self.process.send_signal(signal.SIGTERM)
        self.ended()

    def ended(self) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(30)

    @property
    def starts(self) -> list[int]:
        """The process's number at each of its starts."""
        path = self.machine.data / "starts"
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    @property
    def status(self) -> dict[str, Any]:
        """What its admin API says; nothing while it does not answer."""
        return http_get_json(f"http://{self.admin}/api/v1/status")

    @property
    def takeovers(self) -> int:
        """How many lives of the sidecar found the process as it runs."""
        return self.log.read_text().count("took over the running process")

    def goes_on(self) -> None:
        """Have it executed anew, and wait until it is in step again."""
        before = self.takeovers
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.takeovers > before, "it goes on anew")
        self.in_step()

    def in_step(self) -> dict[str, Any]:
        """Wait until it is; its status then."""

        def there() -> dict[str, Any] | None:
            status = self.status
            # Its process may be healthy before it has told of its start.
            return status if status.get("reason") == "in step" and status["pid"] in self.starts else None

        return wait_until(there, "it is in step")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._ports.close()
        for pid in self.starts:
            if alive(pid):
                os.killpg(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture
def node(debian: RootFilesystem, shared_etcd: EtcdServer) -> Iterator[Node]:
    node = Node(debian, shared_etcd)
    yield node
    node.close()


def test_it_is_one_process_of_its_own_name_and_the_parent_of_the_other(node: Node) -> None:
    node.in_step()
    proc = Path(f"/proc/{node.process.pid}")
    assert (proc / "comm").read_text() == "sidecar\n"
    children = (proc / "task" / proc.name / "children").read_text().split()
    assert children == [str(node.starts[0])]


def test_an_edit_is_put_back_and_a_restart_reads_what_the_network_has(node: Node) -> None:
    node.in_step()
    node.write([node.url, "http://localhost:1"])
    wait_until(lambda: node.servers == [node.url], "the edit is put back")
    assert len(node.starts) == 1


def test_sigterm_ends_it_with_the_exit_code_of_its_process(node: Node) -> None:
    node.in_step()
    node.process.send_signal(signal.SIGTERM)
    assert node.ended() == 7, node.log.read_text()
    assert "Traceback" not in node.log.read_text()
    assert not alive(node.starts[0])


def test_its_process_gets_nothing_of_the_unpacked_interpreter(node: Node) -> None:
    node.in_step()
    given = dict(line.split("=", 1) for line in (node.machine.data / "environment").read_text().splitlines())
    assert (
        set(given) & {"LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "SSL_CERT_FILE"} == set()
    )
    # Of open files it has its standard streams alone.
    descriptors = Path(f"/proc/{node.starts[0]}/fd")
    assert {entry.name for entry in descriptors.iterdir()} - {"255", "10"} == {"0", "1", "2"}


def test_killed_it_leaves_its_process_and_the_next_one_takes_it_over(node: Node) -> None:
    node.in_step()
    node.process.kill()
    node.ended()
    assert alive(node.starts[0])

    node.process = node.start()
    node.in_step()
    node.process.send_signal(signal.SIGTERM)
    node.ended()
    assert len(node.starts) == 1
    assert not alive(node.starts[0])


def test_on_sighup_it_goes_on_in_place_and_leaves_nothing_open(node: Node) -> None:
    node.in_step()
    held = descriptors(node.process.pid)
    for _ in range(3):
        node.goes_on()
        # What answers the test's own questions is closed a moment later.
        wait_until(lambda: len(descriptors(node.process.pid)) <= len(held), "nothing is left open")
    assert node.process.poll() is None
    assert node.starts == [node.in_step()["pid"]]


def test_an_upgrade_is_a_file_put_in_its_place_and_sighup(node: Node) -> None:
    node.stop()
    program = node.machine.data / "sidecar"
    shutil.copy(node.machine.binary, program)
    node.process = node.start(program="/data/sidecar")
    node.in_step()

    newer = node.machine.data / "newer"
    newer.write_text('#!/bin/sh\necho "$1" >> /data/newer-ran\nexec /sidecar "$@"\n')
    newer.chmod(0o755)
    newer.replace(program)
    node.goes_on()
    assert (node.machine.data / "newer-ran").read_text() == "--version\nrun\n", "it is tried out before"
    assert len(node.starts) == 2
    assert alive(node.starts[-1])


def descriptors(pid: int) -> list[str]:
    return [entry.name for entry in Path(f"/proc/{pid}/fd").iterdir()]
