"""JVMs that something else launches, restarted by signal or through their hot-reload endpoint."""

from __future__ import annotations

import os
import signal

import pytest

from tests.kit.processes import is_alive
from tests.platforms.java.nodes import JavaNetwork, JavaNode

SUPERVISED = "while :; do {java}; sleep 0.1; done\n"
"""A supervisor in one line: it starts the JVM again whenever that exits, as a kubelet does."""


def find_by_pattern(node: JavaNode) -> tuple[str, ...]:
    """Options that find the JVM by its command line; no other command line begins like it."""
    return ("--restart", "signal", "--signal-pattern", f"^java .*{node.node.file}$")


def test_a_signalled_jvm_is_started_again_by_its_supervisor(network: JavaNetwork) -> None:
    one, two = network.servers(2)
    one.launch(*one.script(SUPERVISED))
    one.start(*find_by_pattern(one), command=())
    two.start()
    network.wait_in_sync(one, two)
    before = one.status["pid"]
    newcomer = network.newcomer("fed-3", two)

    newcomer.start()

    network.wait_in_sync(one, two, newcomer)
    assert one.status["pid"] != before
    assert one.node.status["pid"] == one.status["pid"]
    after = one.status["pid"]
    one.node.stop()
    assert is_alive(after), "the sidecar leaves it running"


def test_sighup_restarts_the_node_inside_its_jvm(network: JavaNetwork) -> None:
    one, two = network.servers(2)
    one.launch(*one.command, HOT_RELOAD_MODE="jvm")
    one.start(*find_by_pattern(one), "--signal", "HUP", command=())
    two.start()
    network.wait_in_sync(one, two)
    before = one.status
    newcomer = network.newcomer("fed-3", two)

    newcomer.start()

    network.wait_in_sync(one, two, newcomer)
    assert (one.status["pid"], one.status["generation"]) == (before["pid"], 2)


@pytest.mark.parametrize("mode", ["jvm", "exec"])
def test_the_endpoint_makes_the_node_restart_itself(mode: str, network: JavaNetwork) -> None:
    one, two = network.servers(2)
    database = network.database("db-1", one)
    reloadable = (one, database)
    for node in reloadable:
        port = network.network.port()
        token = str(node.node.folder / "token")
        node.launch(
            *node.command,
            HOT_RELOAD_MODE=mode,
            HOT_RELOAD_LISTEN=f"127.0.0.1:{port}",
            HOT_RELOAD_TOKEN_FILE=token,
        )
        url = f"http://127.0.0.1:{port}/hot-reload"
        node.start("--restart", "endpoint", "--endpoint-url", url, "--endpoint-token-file", token, command=())
    two.start()
    network.wait_in_sync(two, *reloadable)
    before = {node.node.id: node.status for node in reloadable}
    newcomer = network.newcomer("fed-3", two)

    newcomer.start()

    network.wait_in_sync(two, newcomer, *reloadable)
    for node in reloadable:
        kept_pid = node.status["pid"] == before[node.node.id]["pid"]
        assert kept_pid == (mode == "jvm")
        assert node.status["generation"] == (2 if mode == "jvm" else 1)
        assert node.node.status["counters"]["restarts"] == 1


def test_a_killed_jvm_is_reported_and_adopted_once_it_is_back(network: JavaNetwork) -> None:
    (one,) = network.servers(1)
    launched = one.launch(*one.command)
    one.start(*find_by_pattern(one), command=())
    network.wait_in_sync(one)

    os.kill(one.status["pid"], signal.SIGKILL)
    launched.wait(30)
    one.node.wait_for_reason("has ended")
    one.launch(*one.command)

    network.wait_in_sync(one)
    assert one.node.status["pid"] == one.status["pid"]
