"""JVMs that something else launches: signalled, or asked through their own hot-reload endpoint."""

from __future__ import annotations

import os
import signal

import pytest

from tests.kit.processes import is_alive
from tests.platforms.java.nodes import JavaNetwork, JavaNode

SUPERVISED = "while :; do {java}; sleep 0.1; done\n"
"""A supervisor in one line: starts it again whenever it ends, as a kubelet does."""


def pattern(node: JavaNode) -> tuple[str, ...]:
    """Only the JVM's own command line begins like this."""
    return ("--restart", "signal", "--signal-pattern", f"^java .*{node.node.file}$")


def test_one_that_is_signalled_is_started_again_by_its_supervisor(network: JavaNetwork) -> None:
    one, two = network.servers(2)
    one.launch(*one.script(SUPERVISED))
    one.start(*pattern(one), command=())
    two.start()
    network.in_step(one, two)
    before = one.status["pid"]
    newcomer = network.newcomer("fed-3", two)

    newcomer.start()

    network.in_step(one, two, newcomer)
    assert one.status["pid"] != before
    assert one.node.status["pid"] == one.status["pid"]
    after = one.status["pid"]
    one.node.stop()
    assert is_alive(after), "what others launched outlives the sidecar"


def test_a_hangup_makes_it_restart_inside_its_jvm(network: JavaNetwork) -> None:
    one, two = network.servers(2)
    one.launch(*one.command, HOT_RELOAD_MODE="jvm")
    one.start(*pattern(one), "--signal", "HUP", command=())
    two.start()
    network.in_step(one, two)
    before = one.status
    newcomer = network.newcomer("fed-3", two)

    newcomer.start()

    network.in_step(one, two, newcomer)
    assert (one.status["pid"], one.status["generation"]) == (before["pid"], 2)


@pytest.mark.parametrize("mode", ["jvm", "exec"])
def test_one_that_is_asked_through_its_endpoint_restarts_itself(mode: str, network: JavaNetwork) -> None:
    one, two = network.servers(2)
    database = network.database("db-1", one)
    asked = (one, database)
    for node in asked:
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
    network.in_step(two, *asked)
    before = {node.node.id: node.status for node in asked}
    newcomer = network.newcomer("fed-3", two)

    newcomer.start()

    network.in_step(two, newcomer, *asked)
    for node in asked:
        same = node.status["pid"] == before[node.node.id]["pid"]
        assert same == (mode == "jvm")
        assert node.status["generation"] == (2 if mode == "jvm" else 1)
        assert node.node.status["counters"]["restarts"] == 1


def test_one_that_dies_is_reported_and_taken_up_again_when_it_is_back(network: JavaNetwork) -> None:
    (one,) = network.servers(1)
    launched = one.launch(*one.command)
    one.start(*pattern(one), command=())
    network.in_step(one)

    os.kill(one.status["pid"], signal.SIGKILL)
    launched.wait(30)
    one.node.wait_for_reason("has ended")
    one.launch(*one.command)

    network.in_step(one)
    assert one.node.status["pid"] == one.status["pid"]
