"""The shipped units with the binary, in a real systemd."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.etcd.servers import EtcdServer
from tests.kit.ports import PortPool
from tests.kit.processes import is_alive
from tests.kit.product_texts import ADOPTED
from tests.kit.waiting import wait_until
from tests.platforms.systemd import nodes
from tests.platforms.systemd.managers import Manager
from tests.platforms.systemd.nodes import INSTALLED, SHIPPED, Node

UNIT = "sidecar@fed-1.service"
SERVER_UNIT = "federated-server.service"


@pytest.fixture
def ports() -> Iterator[PortPool]:
    ports = PortPool()
    yield ports
    ports.close()


@pytest.fixture
def installed(system: Manager) -> Manager:
    nodes.install(system)
    return system


@pytest.fixture
def node(installed: Manager, own_etcd: EtcdServer, ports: PortPool) -> Iterator[Node]:
    """fed-1 of sidecar@.service, not started."""
    node = Node.create("fed-1", installed, UNIT, Path("/etc/federation/fed-1"), ports)
    node.configure(own_etcd.url, [node.url])
    yield node
    node.close()


def drop_in(system: Manager, unit: str, text: str) -> Path:
    folder = Path(f"/run/systemd/system/{unit}.d")
    folder.mkdir(exist_ok=True)
    (folder / "test.conf").write_text(text)
    system.systemctl("daemon-reload")
    return folder


def test_a_unit_becomes_active_after_the_boot_check(node: Node, own_etcd: EtcdServer) -> None:
    own_etcd.suspend()
    node.system.systemctl("start", "--no-block", UNIT)
    wait_until(lambda: "etcd" in node.system.show(UNIT, "StatusText")[0], "the status text names etcd")
    assert node.system.active(UNIT) == "activating"
    assert node.starts == []

    own_etcd.resume()
    node.system.wait_for_state(UNIT, "active")
    assert node.wait_in_sync()["pid"] == node.starts[0]
    assert Path(f"/proc/{node.system.pid(UNIT)}/comm").read_text() == "sidecar\n"


def test_reload_executes_a_new_binary_and_restarts_nothing(node: Node) -> None:
    node.system.systemctl("start", UNIT)
    node.wait_in_sync()
    main = node.system.pid(UNIT)

    newer = nodes.BINARY.with_name("sidecar.new")
    shutil.copy(nodes.BINARY, newer)
    with newer.open("ab") as file:
        file.write(b"newer")
    inode = newer.stat().st_ino
    newer.rename(nodes.BINARY)
    assert nodes.BINARY.stat().st_ino == inode
    before = node.journal().count(ADOPTED)
    node.system.systemctl("reload", UNIT)
    wait_until(lambda: node.journal().count(ADOPTED) > before, "the sidecar is re-executed")

    node.system.wait_for_state(UNIT, "active")
    assert node.wait_in_sync()["pid"] == node.starts[0]
    assert node.system.pid(UNIT) == main
    assert len(node.starts) == 1
    assert node.system.show(UNIT, "NRestarts") == ["0"]


def test_a_restarted_sidecar_adopts_its_running_process(node: Node) -> None:
    node.system.systemctl("start", UNIT)
    node.wait_in_sync()
    main, process = node.system.pid(UNIT), node.starts[0]
    os.kill(main, signal.SIGKILL)
    wait_until(lambda: node.system.pid(UNIT) not in (0, main), "systemd starts the next sidecar")
    node.system.wait_for_state(UNIT, "active")
    assert node.wait_in_sync()["pid"] == process
    assert node.starts == [process]
    assert node.system.show(UNIT, "NRestarts") == ["1"]


def test_the_watchdog_replaces_a_hung_sidecar_and_keeps_the_process(node: Node) -> None:
    folder = drop_in(node.system, UNIT, "[Service]\nWatchdogSec=15\n")
    try:
        node.system.systemctl("start", UNIT)
        node.wait_in_sync()
        main, first = node.system.pid(UNIT), node.system.show(UNIT, "WatchdogTimestampMonotonic")
        wait_until(
            lambda: node.system.show(UNIT, "WatchdogTimestampMonotonic") != first,
            "the sidecar notifies the watchdog",
        )
        assert node.system.pid(UNIT) == main

        os.kill(main, signal.SIGSTOP)
        wait_until(lambda: node.system.pid(UNIT) not in (0, main), "the watchdog replaces it")
        node.system.wait_for_state(UNIT, "active")
        assert node.wait_in_sync()["pid"] == node.starts[0]
        assert len(node.starts) == 1
    finally:
        shutil.rmtree(folder)


def test_stop_stops_sidecar_and_process_without_failure(node: Node) -> None:
    node.system.systemctl("start", UNIT)
    node.wait_in_sync()
    node.system.systemctl("stop", UNIT)
    assert node.system.active(UNIT) == "inactive"
    assert not is_alive(node.starts[0])


def test_neither_sidecar_nor_process_has_privileges(node: Node) -> None:
    node.system.systemctl("start", UNIT)
    node.wait_in_sync()
    for pid in (node.system.pid(UNIT), node.starts[0]):
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        assert "0" not in status["Uid"].split()


def test_the_unit_for_a_single_node_starts_it_too(
    installed: Manager, own_etcd: EtcdServer, ports: PortPool
) -> None:
    node = Node.create("fed-1", installed, "sidecar.service", Path("/etc/federation"), ports)
    node.configure(own_etcd.url, [node.url])
    try:
        installed.systemctl("start", "sidecar.service")
        assert node.wait_in_sync()["pid"] == node.starts[0]
    finally:
        node.close()


def test_a_server_with_its_own_unit_is_restarted_through_polkit(
    installed: Manager, own_etcd: EtcdServer, ports: PortPool
) -> None:
    for name, place in (
        ("federated-server.service", INSTALLED / SERVER_UNIT),
        ("sidecar-of-server.conf", INSTALLED / "sidecar.service.d/of-server.conf"),
        ("50-federation-sidecar.rules", Path("/etc/polkit-1/rules.d/50-federation-sidecar.rules")),
    ):
        place.parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(SHIPPED / "examples" / name, place)
    # A script in place of the example's java.
    drop_in(installed, SERVER_UNIT, f"[Service]\nExecStart=\nExecStart={nodes.SERVER}\n")
    one = Node.create("fed-1", installed, "sidecar.service", Path("/etc/federation"), ports)
    one.configure(own_etcd.url, [one.url], ARGUMENTS="")
    two = Node.create("fed-2", installed, "sidecar@fed-2.service", Path("/etc/federation/fed-2"), ports)
    two.configure(own_etcd.url, [one.url, two.url])
    try:
        installed.systemctl("start", one.unit)
        one.wait_in_sync()
        installed.wait_for_state(SERVER_UNIT, "active")
        before = installed.show(SERVER_UNIT, "InvocationID")

        installed.systemctl("start", two.unit)
        wait_until(lambda: one.servers == [one.url, two.url], "fed-2 has joined")
        wait_until(
            lambda: installed.show(SERVER_UNIT, "InvocationID") != before,
            f"the server is restarted\n{one.journal()}",
        )
        one.wait_in_sync()
        installed.wait_for_state(SERVER_UNIT, "active")
        assert len(one.starts) == 2
    finally:
        installed.systemctl("stop", SERVER_UNIT, check=False)
        two.close()
        one.close()
        shutil.rmtree(INSTALLED / "sidecar.service.d")
        (INSTALLED / SERVER_UNIT).unlink()


def test_systemd_finds_the_units_valid_and_hardened(installed: Manager) -> None:
    shutil.copy(SHIPPED / "examples" / SERVER_UNIT, INSTALLED)
    for name in ("sidecar.service", UNIT, SERVER_UNIT):
        done = subprocess.run(
            ["systemd-analyze", "verify", name], check=False, capture_output=True, text=True
        )
        errors = [line for line in done.stderr.splitlines() if "/usr/bin/java" not in line]
        assert errors == []
    (INSTALLED / SERVER_UNIT).unlink()
    for name in ("sidecar.service", "sidecar@fed-1.service"):
        report = subprocess.run(
            ["systemd-analyze", "security", "--no-pager", name], check=True, capture_output=True, text=True
        ).stdout
        exposure = re.search(r"exposure level for \S+: ([\d.]+)", report)
        assert exposure is not None
        assert float(exposure[1]) <= 2.0
