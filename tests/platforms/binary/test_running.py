"""`sidecar run` of the binary, on a real etcd, next to a process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.etcd.servers import EtcdServer
from tests.kit.ports import PortPool
from tests.kit.processes import is_alive
from tests.kit.product_texts import ADOPTED
from tests.kit.shell_app import ShellAppNode, shell_app
from tests.kit.waiting import wait_until
from tests.platforms.binary.root_filesystems import RootFilesystem

# It saves its environment, logs its start, and exits with 7 on SIGTERM.
APP = "env > /data/environment; " + shell_app("/data/starts", 7)


class Node(ShellAppNode):
    """A sidecar of the binary on an old Debian, next to `APP`."""

    def __init__(self, machine: RootFilesystem, etcd: EtcdServer) -> None:
        self.id = "fed-1"
        self.machine = machine
        self._ports = PortPool()
        self.url = f"http://localhost:{self._ports.take()}"
        self.file = machine.data / "federated.json"
        self.write_file(self.url, [self.url])
        os.chown(self.file, 65534, 65534)
        self.admin = f"127.0.0.1:{self._ports.take()}"
        self.options = ("--etcd", etcd.url, "--network", uuid.uuid4().hex, "--admin", self.admin)
        self.process = self.start()

    @property
    def starts_file(self) -> Path:
        return self.machine.data / "starts"

    def start(self, program: str = "/sidecar") -> subprocess.Popen[str]:
        # Not into a pipe: its process keeps the other end open for as long as it runs.
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

    def describe(self) -> str:
        return self.log.read_text()

    def stop(self) -> None:
        """Stop it with SIGTERM, as a service manager does."""
        self.wait_in_sync()
        self.process.send_signal(signal.SIGTERM)
        self.wait_for_exit()

    def wait_for_exit(self) -> int:
        """Wait until it exits; its exit code."""
        return self.process.wait(30)

    @property
    def adoptions(self) -> int:
        """How often a sidecar adopted the running process."""
        return self.log.read_text().count(ADOPTED)

    def reexec(self) -> None:
        """Re-execute it, and wait until it is in sync again."""
        before = self.adoptions
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.adoptions > before, "it is re-executed")
        self.wait_in_sync()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._ports.close()
        for pid in self.starts:
            if is_alive(pid):
                os.killpg(pid, signal.SIGKILL)


@pytest.fixture
def node(debian: RootFilesystem, shared_etcd: EtcdServer) -> Iterator[Node]:
    node = Node(debian, shared_etcd)
    yield node
    node.close()


def test_the_sidecar_is_one_process_and_the_parent_of_the_other(node: Node) -> None:
    node.wait_in_sync()
    proc = Path(f"/proc/{node.process.pid}")
    assert (proc / "comm").read_text() == "sidecar\n"
    children = (proc / "task" / proc.name / "children").read_text().split()
    assert children == [str(node.starts[0])]


def test_an_edit_is_reverted_without_a_restart(node: Node) -> None:
    node.wait_in_sync()
    node.write_file(node.url, [node.url, "http://localhost:1"])
    wait_until(lambda: node.servers == [node.url], "the edit is reverted")
    assert len(node.starts) == 1


def test_on_sigterm_it_exits_with_the_code_of_its_process(node: Node) -> None:
    node.wait_in_sync()
    node.process.send_signal(signal.SIGTERM)
    assert node.wait_for_exit() == 7, node.log.read_text()
    assert "Traceback" not in node.log.read_text()
    assert not is_alive(node.starts[0])


def test_the_process_inherits_nothing_from_the_unpacked_interpreter(node: Node) -> None:
    node.wait_in_sync()
    environment = dict(
        line.split("=", 1) for line in (node.machine.data / "environment").read_text().splitlines()
    )
    assert (
        set(environment) & {"LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "SSL_CERT_FILE"}
        == set()
    )
    # It has no open files but the standard streams.
    assert set(descriptors(node.starts[0])) - {"255", "10"} == {"0", "1", "2"}


def test_a_restarted_sidecar_adopts_its_running_process(node: Node) -> None:
    node.wait_in_sync()
    node.process.kill()
    node.wait_for_exit()
    assert is_alive(node.starts[0])

    node.process = node.start()
    node.wait_in_sync()
    node.process.send_signal(signal.SIGTERM)
    node.wait_for_exit()
    assert len(node.starts) == 1
    assert not is_alive(node.starts[0])


def test_a_reexec_keeps_the_process_and_leaks_no_descriptor(node: Node) -> None:
    node.wait_in_sync()
    before = descriptors(node.process.pid)
    for _ in range(3):
        node.reexec()
        # Connections of this test are closed a moment later.
        wait_until(lambda: len(descriptors(node.process.pid)) <= len(before), "no descriptor is leaked")
    assert node.process.poll() is None
    assert node.starts == [node.wait_in_sync()["pid"]]


def test_replacing_the_file_and_sighup_upgrade_it(node: Node) -> None:
    node.stop()
    program = node.machine.data / "sidecar"
    shutil.copy(node.machine.binary, program)
    node.process = node.start(program="/data/sidecar")
    node.wait_in_sync()

    newer = node.machine.data / "newer"
    newer.write_text('#!/bin/sh\necho "$1" >> /data/newer-ran\nexec /sidecar "$@"\n')
    newer.chmod(0o755)
    newer.replace(program)
    node.reexec()
    assert (node.machine.data / "newer-ran").read_text() == "--version\nrun\n", (
        "the new program is checked first"
    )
    assert len(node.starts) == 2
    assert is_alive(node.starts[-1])


def descriptors(pid: int) -> list[str]:
    return [entry.name for entry in Path(f"/proc/{pid}/fd").iterdir()]
