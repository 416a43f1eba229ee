"""Health: the answers of the health URL, with the configured interval, threshold and timeout."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.kit.network import Network

HANG = 0
"""In place of a status: the request gets no answer."""


class HealthServer:
    """An endpoint with configurable answers, which counts its requests."""

    def __init__(self) -> None:
        self.requests = 0
        self.usual = 200
        self.next: deque[int] = deque()
        self.closed = threading.Event()
        health_server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                health_server.requests += 1
                status = health_server.next.popleft() if health_server.next else health_server.usual
                if status == HANG:
                    health_server.closed.wait()
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
def health_server() -> Iterator[HealthServer]:
    made = HealthServer()
    yield made
    made.close()


def test_the_health_url_decides_whether_a_node_is_healthy(network: Network) -> None:
    leader, *followers = network.servers(3)
    for node in followers:
        # So rarely that only a process that starts is found unhealthy.
        node.defaults += ("--health", f"{node.url}/health", "--health-interval", "3600")
    network.start(leader)
    network.start(*followers)
    for node in followers:
        node.make_unhealthy()
    network.start(network.newcomer("fed-4", leader))
    restarted = network.wait(
        lambda: next((n for n in followers if len(n.events("listening")) == 2), None), "one restarts"
    )
    status = restarted.wait_for_reason("503")
    assert (status["phase"], status["healthy"]) == ("starting", False)
    assert sum(len(node.starts) for node in followers) == 3

    for node in followers:
        node.make_healthy()

    network.wait_in_sync(*network.nodes)
    assert [len(node.starts) for node in network.nodes] == [2, 2, 2, 1]


def test_probe_interval_and_failure_threshold_are_respected(
    network: Network, health_server: HealthServer
) -> None:
    (one,) = network.servers(1)
    one.defaults += ("--health", health_server.url, "--health-interval", "0.2", "--health-threshold", "3")
    one.defaults += ("--health-timeout", "30")
    network.start(one)
    boots = len(one.logged("starting"))

    before = health_server.requests
    network.wait(lambda: health_server.requests > before + 20, "it is probed repeatedly")

    health_server.next += (503, 503, 200, 500, 500, 200)
    network.wait(lambda: not health_server.next, "it was probed")
    before = health_server.requests
    network.wait(lambda: health_server.requests > before + 1, "it is probed again")
    assert len(one.logged("starting")) == boots  # two failures in a row are not three

    health_server.usual = 503
    status = one.wait_for_reason(f"not healthy: {health_server.url} answers 503")
    assert (status["phase"], status["healthy"]) == ("starting", False)

    health_server.usual = 200
    network.wait_in_sync(one)
    assert len(one.starts) == 1  # a process that has been healthy is not restarted for failing later


def test_a_probe_that_times_out_is_a_failure(network: Network, health_server: HealthServer) -> None:
    (one,) = network.servers(1)
    one.defaults += ("--health", health_server.url, "--health-interval", "0.2", "--health-timeout", "0.7")
    network.start(one)

    health_server.usual = HANG
    one.wait_for_reason(f"not healthy: {health_server.url} does not answer within 0.7 s")
