"""What counts as healthy: what the health URL says, as often and as patiently as is set."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.network import Network

HANG = 0
"""In place of a status: the request is not answered."""


class Doctor:
    """An endpoint that answers what it is told to, and counts who asks."""

    def __init__(self) -> None:
        self.asked = 0
        self.usual = 200
        self.next: deque[int] = deque()
        self.closed = threading.Event()
        doctor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                doctor.asked += 1
                status = doctor.next.popleft() if doctor.next else doctor.usual
                if status == HANG:
                    doctor.closed.wait()
                else:
                    self.send_response(status)
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self.closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def doctor() -> Iterator[Doctor]:
    made = Doctor()
    yield made
    made.close()


def test_healthy_is_what_the_health_url_says(network: Network) -> None:
    leader, *followers = network.servers(3)
    for node in followers:
        # So seldom that only a process that boots is found to be sick.
        node.defaults += ("--health", f"{node.url}/health", "--health-interval", "3600")
    network.start(leader)
    network.start(*followers)
    for node in followers:
        node.fall_sick()
    network.start(network.newcomer("fed-4", leader))
    sick = network.wait(
        lambda: next((n for n in followers if len(n.journal("listens")) == 2), None), "one restarts"
    )
    status = sick.tells("503")
    assert (status["phase"], status["healthy"]) == ("starting", False)
    assert sum(len(node.starts) for node in followers) == 3

    for node in followers:
        node.recover()

    network.in_step(*network.nodes)
    assert [len(node.starts) for node in network.nodes] == [2, 2, 2, 1]


def test_it_is_asked_as_often_as_set_and_believed_after_as_many_failures(
    network: Network, doctor: Doctor
) -> None:
    (one,) = network.servers(1)
    one.defaults += ("--health", doctor.url, "--health-interval", "0.2", "--health-threshold", "3")
    one.defaults += ("--health-timeout", "30")
    network.start(one)
    boots = len(one.logged("starting"))

    before = doctor.asked
    network.wait(lambda: doctor.asked > before + 20, "it is asked all the time")

    doctor.next += (503, 503, 200, 500, 500, 200)
    network.wait(lambda: not doctor.next, "it was asked")
    before = doctor.asked
    network.wait(lambda: doctor.asked > before + 1, "and asked again")
    assert len(one.logged("starting")) == boots  # two failures in a row are not three

    doctor.usual = 503
    status = one.tells(f"not healthy: {doctor.url} answers 503")
    assert (status["phase"], status["healthy"]) == ("starting", False)

    doctor.usual = 200
    network.in_step(one)
    assert len(one.starts) == 1  # who was healthy once is not restarted for falling sick


def test_an_answer_that_does_not_come_in_time_is_none(network: Network, doctor: Doctor) -> None:
    (one,) = network.servers(1)
    one.defaults += ("--health", doctor.url, "--health-interval", "0.2", "--health-timeout", "0.7")
    network.start(one)

    doctor.usual = HANG
    one.tells(f"not healthy: {doctor.url} does not answer within 0.7 s")
