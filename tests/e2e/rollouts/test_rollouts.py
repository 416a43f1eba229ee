"""Rollouts as a client sees them that requests every server all the time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.e2e.membership.test_join import overlapping
from tests.kit.network import Network
from tests.kit.node import Node

STARTUP_TIME = 2.0
"""Seconds that a server takes to listen."""

ROUND = 0.1
"""Seconds; in a longer round of requests, two servers may be unavailable without overlap."""


class Client:
    """Requests each of ``nodes`` in turn, round after round, and counts those that are unavailable."""

    def __init__(self, *nodes: Node) -> None:
        self.nodes = nodes
        self.rounds = 0
        self.most_unavailable = 0
        self.ever_unavailable: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._request_all)

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()

    def _request_all(self) -> None:
        while not self._over.wait(0.01):  # the pace of its requests
            began = time.monotonic()
            unavailable = {node.id for node in self.nodes if _is_out_of_service(node)}
            self.rounds += 1
            self.ever_unavailable |= unavailable
            if time.monotonic() - began < ROUND:
                self.most_unavailable = max(self.most_unavailable, len(unavailable))


def _is_out_of_service(node: Node) -> bool:
    """Whether it does not answer with 200; a slow server counts as available."""
    try:
        with socket.create_connection(
            ("127.0.0.1", urlsplit(node.url or "").port or 0), timeout=2
        ) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return not connection.recv(64).startswith(b"HTTP/1.1 200")
    except TimeoutError:
        return False
    except OSError:
        return True


def slow_servers(network: Network) -> list[Node]:
    """Three servers in sync that take two seconds to start."""
    three = network.servers(3)
    for node in three:
        node.configure_app(startup_time=STARTUP_TIME)
    network.start(*three)
    return three


@pytest.mark.timeout(300)
def test_two_of_three_servers_serve_through_every_change(network: Network) -> None:
    three = slow_servers(network)
    client = Client(*three)
    with client.running():
        newcomer = network.newcomer("fed-4", three[0])
        newcomer.configure_app(startup_time=STARTUP_TIME)
        network.start(newcomer)
        network.wait_in_sync(*network.nodes)
        assert network.cli("remove", "fed-4").code == 0
        network.wait_in_sync(*three)
        answer = network.cli("rollback", "2")
        assert answer.code == 0, answer
        network.wait_in_sync(*network.nodes)

    assert client.most_unavailable == 1
    assert overlapping(three) == []
    assert client.ever_unavailable == {node.id for node in three}
    assert client.rounds > 100
    assert [len(node.starts) for node in three] == [4, 4, 4]
    assert network.version == 4
    assert [change["kind"] for change in network.canonical["cause"]] == ["rollback"]


@pytest.mark.timeout(300)
def test_a_list_that_fails_on_one_server_halts_the_rollout(network: Network) -> None:
    three = slow_servers(network)
    client = Client(*three)
    newcomer = network.newcomer("fed-4", three[0])
    for node in three:
        node.configure_app(crash_on=newcomer.url or "")
    with client.running():
        network.start(newcomer)
        halted = network.wait(
            lambda: (stop := network.etcd.get("shared/rollout-block")) and "died" in stop.text and stop,
            "the rollout is halted",
        )
        failed = network.wait(lambda: next((n for n in three if len(n.starts) > 3), None), "one tries again")
        others = [node for node in three if node is not failed]
        for node in others:
            assert "the rollout is halted" in node.wait_for_phase("restart-pending")["reason"]

    assert f"{failed.id} died" in halted.document["reason"]
    assert (client.most_unavailable, client.ever_unavailable) == (1, {failed.id})
    assert [len(node.starts) for node in others] == [1, 1]
    # It continues by itself once the list does not crash the server.
    for node in three:
        node.configure_app()
    network.wait_in_sync(*network.nodes)
    network.wait(lambda: "shared/rollout-block" not in network.etcd.all("shared/"), "nothing is halted")


@pytest.mark.timeout(300)
def test_the_policy_may_roll_back_a_failing_list(network: Network) -> None:
    three = slow_servers(network)
    network.etcd.put("shared/policy", {"rollout": {"on_failure": "rollback"}})
    client = Client(*three)
    newcomer = network.newcomer("fed-4", three[0])
    for node in three:
        node.configure_app(crash_on=newcomer.url or "")
    with client.running():
        newcomer.start()
        network.wait(lambda: network.version == 3, "the last good list is published again")
        network.wait_in_sync(*three)
        newcomer.wait_for_phase("removed")

    assert [node.servers for node in three] == [[node.url for node in three]] * 3
    assert client.most_unavailable == 1
    assert sorted(len(node.starts) for node in three)[:2] == [1, 1]
    assert [change["kind"] for change in network.canonical["cause"]] == ["rollback"]
    quarantined = network.etcd.all("quarantine/")
    assert list(quarantined) == ["quarantine/0000000002"]
    # A rollback to the quarantined list is refused.
    again = network.cli("rollback", "2")
    assert again.code == 77
    assert "quarantined" in again.err
