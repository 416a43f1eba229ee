"""The process of a node of the demo: it serves what it loaded at its start."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from sidecar_demo import node_app
from sidecar_demo.node_status import fetch_process_pid, fetch_status, read_event_log
from tests.kit.processes import poll_until

pytestmark = pytest.mark.anyio

LIST = ["http://localhost:9000", "http://localhost:9001"]


@pytest.fixture
def file(tmp_path: Path, free_port: int) -> Path:
    """The configuration of a server on that port."""
    file = tmp_path / "federated.json"
    file.write_text(json.dumps({"NodeID": "fed-1", "Port": free_port, "FederatedServers": LIST}))
    return file


@contextmanager
def running(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-S", "-E", node_app.__file__, str(file)])
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


async def test_it_serves_the_loaded_list_and_not_the_file(file: Path, free_port: int) -> None:
    with running(file) as process:
        await poll_until(lambda: fetch_process_pid(free_port) == process.pid)
        file.write_text("{}")
        assert fetch_process_pid(free_port) == process.pid
    event_log = read_event_log(file.with_name("federated.json.event_log"))
    assert [incarnation.servers for incarnation in event_log] == [tuple(LIST)]


def _answers(port: int, pid: int) -> bool:
    return fetch_process_pid(port) == pid


async def test_its_event_log_has_every_incarnation_from_start_to_end(file: Path, free_port: int) -> None:
    for _ in range(2):
        with running(file) as process:
            await poll_until(partial(_answers, free_port, process.pid))
    first, second = read_event_log(file.with_name("federated.json.event_log"))
    assert first.serves is not None
    assert first.ended is not None
    assert first.started <= first.serves <= first.ended <= second.started


async def test_a_silent_client_does_not_delay_others_for_long(file: Path, free_port: int) -> None:
    with running(file) as process:
        await poll_until(lambda: fetch_process_pid(free_port) == process.pid)
        with socket.create_connection(("127.0.0.1", free_port)):
            await poll_until(lambda: fetch_process_pid(free_port) == process.pid)


def test_no_listener_means_no_answer(free_port: int) -> None:
    assert fetch_process_pid(free_port) is None
    assert fetch_status(free_port) is None


def test_an_incomplete_event_log_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    event_log = tmp_path / "event_log"
    assert read_event_log(event_log) == ()
    event_log.write_text('{"event": "start", "at": 1, "pid": 7, "FederatedServers": []}\n{"event": "ser')
    assert [(incarnation.pid, incarnation.serves) for incarnation in read_event_log(event_log)] == [(7, None)]
