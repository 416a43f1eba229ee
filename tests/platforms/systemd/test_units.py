"""The shipped units with the binary, in a real systemd: ready, watched, reloaded, killed, stopped."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.etcd import EtcdServer
from tests.kit.ports import PortPool
from tests.kit.waiting import wait_until
from tests.platforms.systemd import nodes
from tests.platforms.systemd.managers import Manager
from tests.platforms.systemd.nodes import INSTALLED, SHIPPED, Node, alive

UNIT = "sidecar@fed-1.service"
SERVER_UNIT = "federated-server.service"
TAKEN_OVER = "took over the running process"


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
    node = Node.create(installed, UNIT, Path("/etc/federation/fed-1"), ports)
    node.configure("fed-1", own_etcd.url, [node.url])
    yield node
    node.close()


def drop_in(system: Manager, unit: str, text: str) -> Path:
    folder = Path(f"/run/systemd/system/{unit}.d")
    folder.mkdir(exist_ok=True)
    (folder / "test.conf").write_text(text)
    system.systemctl("daemon-reload")
    return folder


def test_it_is_active_only_once_the_file_was_checked(node: Node, own_etcd: EtcdServer) -> None:
    own_etcd.suspend()
    node.system.systemctl("start", "--no-block", UNIT)
    wait_until(lambda: "etcd" in node.system.show(UNIT, "StatusText")[0], "it says what it waits for")
    assert node.system.active(UNIT) == "activating"
    assert node.starts == []

    own_etcd.resume()
    node.system.until(UNIT, "active")
    assert node.in_step()["pid"] == node.starts[0]
    assert Path(f"/proc/{node.system.pid(UNIT)}/comm").read_text() == "sidecar\n"


def test_reload_goes_on_as_the_new_file_and_touches_no_process(node: Node) -> None:
    node.system.systemctl("start", UNIT)
    node.in_step()
    main = node.system.pid(UNIT)

    newer = nodes.BINARY.with_name("sidecar.new")
    shutil.copy(nodes.BINARY, newer)
    with newer.open("ab") as file:
        file.write(b"newer")
    inode = newer.stat().st_ino
    newer.rename(nodes.BINARY)
    assert nodes.BINARY.stat().st_ino == inode
    before = node.journal().count(TAKEN_OVER)
    node.system.systemctl("reload", UNIT)
    wait_until(lambda: node.journal().count(TAKEN_OVER) > before, "it went on")

    node.system.until(UNIT, "active")
    assert node.in_step()["pid"] == node.starts[0]
    assert node.system.pid(UNIT) == main
    assert len(node.starts) == 1
    assert node.system.show(UNIT, "NRestarts") == ["0"]


def test_killed_it_leaves_its_process_and_the_next_one_takes_it_over(node: Node) -> None:
    node.system.systemctl("start", UNIT)
    node.in_step()
    main, process = node.system.pid(UNIT), node.starts[0]
    os.kill(main, signal.SIGKILL)
    wait_until(lambda: node.system.pid(UNIT) not in (0, main), "the next one is started")
    node.system.until(UNIT, "active")
    assert node.in_step()["pid"] == process
    assert node.starts == [process]
    assert node.system.show(UNIT, "NRestarts") == ["1"]


def test_one_that_hangs_is_replaced_by_the_watchdog_and_its_process_runs_on(node: Node) -> None:
    folder = drop_in(node.system, UNIT, "[Service]\nWatchdogSec=15\n")
    try:
        node.system.systemctl("start", UNIT)
        node.in_step()
        main, first = node.system.pid(UNIT), node.system.show(UNIT, "WatchdogTimestampMonotonic")
        wait_until(lambda: node.system.show(UNIT, "WatchdogTimestampMonotonic") != first, "it is alive")
        assert node.system.pid(UNIT) == main

        os.kill(main, signal.SIGSTOP)
        wait_until(lambda: node.system.pid(UNIT) not in (0, main), "the watchdog has it replaced")
        node.system.until(UNIT, "active")
        assert node.in_step()["pid"] == node.starts[0]
        assert len(node.starts) == 1
    finally:
        shutil.rmtree(folder)


def test_stop_stops_both_and_is_no_failure(node: Node) -> None:
    node.system.systemctl("start", UNIT)
    node.in_step()
    node.system.systemctl("stop", UNIT)
    assert node.system.active(UNIT) == "inactive"
    assert not alive(node.starts[0])


def test_the_sidecar_has_no_rights_and_its_process_has_none_either(node: Node) -> None:
    node.system.systemctl("start", UNIT)
    node.in_step()
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


def test_the_unit_for_one_node_a_machine_does_the_same(
    installed: Manager, own_etcd: EtcdServer, ports: PortPool
) -> None:
    node = Node.create(installed, "sidecar.service", Path("/etc/federation"), ports)
    node.configure("fed-1", own_etcd.url, [node.url])
    try:
        installed.systemctl("start", "sidecar.service")
        assert node.in_step()["pid"] == node.starts[0]
    finally:
        node.close()


def test_a_server_that_is_a_unit_of_its_own_is_restarted_through_polkit(
    installed: Manager, own_etcd: EtcdServer, ports: PortPool
) -> None:
    for name, place in (
        ("federated-server.service", INSTALLED / SERVER_UNIT),
        ("sidecar-of-server.conf", INSTALLED / "sidecar.service.d/of-server.conf"),
        ("50-federation-sidecar.rules", Path("/etc/polkit-1/rules.d/50-federation-sidecar.rules")),
    ):
        place.parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(SHIPPED / "examples" / name, place)
    # The example's java is this test's script.
    drop_in(installed, SERVER_UNIT, f"[Service]\nExecStart=\nExecStart={nodes.SERVER}\n")
    one = Node.create(installed, "sidecar.service", Path("/etc/federation"), ports)
    one.configure("fed-1", own_etcd.url, [one.url], ARGUMENTS="")
    two = Node.create(installed, "sidecar@fed-2.service", Path("/etc/federation/fed-2"), ports)
    two.configure("fed-2", own_etcd.url, [one.url, two.url])
    try:
        installed.systemctl("start", one.unit)
        one.in_step()
        installed.until(SERVER_UNIT, "active")
        before = installed.show(SERVER_UNIT, "InvocationID")

        installed.systemctl("start", two.unit)
        wait_until(lambda: one.servers == [one.url, two.url], "fed-2 has joined")
        wait_until(
            lambda: installed.show(SERVER_UNIT, "InvocationID") != before, f"it is restarted\n{one.journal()}"
        )
        one.in_step()
        installed.until(SERVER_UNIT, "active")
        assert len(one.starts) == 2
    finally:
        installed.systemctl("stop", SERVER_UNIT, check=False)
        two.close()
        one.close()
        shutil.rmtree(INSTALLED / "sidecar.service.d")
        (INSTALLED / SERVER_UNIT).unlink()


def test_the_units_are_without_mistakes_and_tight(installed: Manager) -> None:
    shutil.copy(SHIPPED / "examples" / SERVER_UNIT, INSTALLED)
    for name in ("sidecar.service", UNIT, SERVER_UNIT):
        done = subprocess.run(
            ["systemd-analyze", "verify", name], check=False, capture_output=True, text=True
        )
        complaints = [line for line in done.stderr.splitlines() if "/usr/bin/java" not in line]
        assert complaints == []
    (INSTALLED / SERVER_UNIT).unlink()
    for name in ("sidecar.service", "sidecar@fed-1.service"):
        told = subprocess.run(
            ["systemd-analyze", "security", "--no-pager", name], check=True, capture_output=True, text=True
        ).stdout
        exposure = re.search(r"exposure level for \S+: ([\d.]+)", told)
        assert exposure is not None
        assert float(exposure[1]) <= 2.0
