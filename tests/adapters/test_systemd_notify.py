"""Telling the service manager, over real datagram sockets."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar.adapters.systemd_notify import SystemdNotifier


@contextmanager
def listening(address: str | bytes) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(address)
        sock.settimeout(10)
        yield sock


def test_a_notification_is_one_datagram(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as manager:
        SystemdNotifier(str(tmp_path / "notify")).notify(READY=1, STATUS="in step")
        assert manager.recv(4096) == b"READY=1\nSTATUS=in step"


def test_a_status_of_several_lines_adds_no_variable(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as manager:
        SystemdNotifier(str(tmp_path / "notify")).notify(STATUS="waits\nMAINPID=1")
        assert manager.recv(4096) == b"STATUS=waits MAINPID=1"


def test_an_abstract_address_begins_with_an_at_sign() -> None:
    name = f"sidecar-tests-{secrets.token_hex(8)}"
    with listening(f"\0{name}") as manager:
        SystemdNotifier(f"@{name}").notify(READY=1)
        assert manager.recv(4096) == b"READY=1"


def test_reloading_sends_its_start_time(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")) as manager:
        SystemdNotifier(str(tmp_path / "notify")).notify_reloading()
        reloading, usec = manager.recv(4096).decode().splitlines()
    assert reloading == "RELOADING=1"
    assert usec.startswith("MONOTONIC_USEC=")
    assert int(usec.partition("=")[2]) > 0


def test_without_a_manager_nothing_is_sent() -> None:
    SystemdNotifier().notify(READY=1)


@pytest.mark.parametrize("address", ["/no/such/socket", "vsock:2:1234", "/" + "x" * 200, "@" + "x" * 200])
def test_a_manager_that_cannot_be_reached_costs_nothing(address: str) -> None:
    SystemdNotifier(address).notify(READY=1)


def test_a_manager_that_does_not_read_is_not_waited_for(tmp_path: Path) -> None:
    with listening(str(tmp_path / "notify")):
        manager = SystemdNotifier(str(tmp_path / "notify"))
        for _ in range(10_000):
            manager.notify(WATCHDOG=1, STATUS="x" * 1000)


def test_its_variables_are_taken_and_kept_for_the_next_execution() -> None:
    given = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    environ = given | {"PATH": "/bin"}
    manager = SystemdNotifier.from_environment(environ)
    assert environ == {"PATH": "/bin"}
    assert manager == SystemdNotifier("/run/notify", 30.0, tuple(given.items()))


@pytest.mark.parametrize(
    ("environ", "watchdog"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "1500000"}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
    ],
)
def test_the_watchdog_counts_where_it_is_for_this_process(
    environ: dict[str, str], watchdog: float | None
) -> None:
    assert SystemdNotifier.from_environment(environ).watchdog == watchdog


CHILD = """
import os, sys
from sidecar.adapters.processes.launch import Command, launch, exit_code
from sidecar.adapters.systemd_notify import SystemdNotifier

SystemdNotifier.from_environment(os.environ)
found = launch(Command(("/bin/sh", "-c", "env")))
os.waitpid(found.pid, 0)
"""


def test_what_it_launches_does_not_inherit_them() -> None:
    env = os.environ | {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}
    env["PYTHONPATH"] = str(Path(__file__).parents[2])
    output = subprocess.run([sys.executable, "-c", CHILD], env=env, stdout=subprocess.PIPE, check=True)
    assert b"PATH=" in output.stdout
    assert b"NOTIFY_SOCKET" not in output.stdout
    assert b"WATCHDOG" not in output.stdout
