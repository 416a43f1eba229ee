"""The restart contract (`tests.contracts.restart`) for ``--restart itself``, on real sidecars.

Here the sidecar is the process that it restarts, so it cannot run in a harness of that contract. Whatever
kills the sidecar kills the process; "missing" means that the program cannot be executed; and only its
launcher can stop a program that hangs at its start.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.network import Network
from tests.kit.node import Node

SHORT = ("--start-timeout", "1")
"""Seconds that the sidecar may take to become healthy, in tests where it does not."""

HEALTHY = ("--health", "exec:true")


def executions(node: Node) -> int:
    """How often it has re-executed."""
    return len(node.logged("re-executing"))


def start_pair(network: Network, one: Node, two: Node, *options: str) -> None:
    """Have ``one`` restart itself, next to the ordinary server ``two``."""
    one.start("--restart", "itself", *options, command=())
    two.start()
    wait_until_loaded(network, one, 1)
    network.wait_in_sync(two)


def change_list(network: Network, *known: Node) -> None:
    """Another server joins."""
    network.newcomer(f"fed-{len(network.nodes) + 1}", *known).start()


def wait_until_loaded(network: Network, node: Node, version: int) -> None:
    """Wait until the network is at ``version``, and the node reports to run on it, healthy."""

    def reported() -> bool:
        report = network.report(node)
        return (
            network.version == version
            and report is not None
            and (report["loaded_version"], report["healthy"], report["phase"]) == (version, True, "running")
        )

    network.wait(reported, f"{node.id} runs on version {version}")
    assert node.servers == network.canonical["FederatedServers"]
    assert node.status["pid"] == node.sidecar.pid


def wait_for_restart(network: Network, node: Node, reason: str) -> None:
    """Wait until it re-executes for a reason that begins with ``reason``."""
    network.wait(
        lambda: any(line["reason"].startswith(reason) for line in node.logged("restarting")),
        f"{node.id} is restarted: {reason}",
    )


@contextmanager
def listening(node: Node) -> Iterator[None]:
    """Listen at the node's URL."""
    with socket.create_server(("127.0.0.1", int(str(node.url).rpartition(":")[2]))):
        yield


def test_a_change_reexecutes_it_once_in_the_same_process(network: Network) -> None:
    one, two = network.servers(2)
    with listening(one):
        start_pair(network, one, two)
        change_list(network, two)
        wait_until_loaded(network, one, 2)
        assert executions(one) == 1
        assert len(one.sidecars) == 1
        one.signal(signal.SIGHUP)
        network.wait(lambda: executions(one) == 2, "it re-executes")
        wait_until_loaded(network, one, 2)
        assert one.stop() == 0
    assert executions(one) == 2


def test_killed_during_a_restart_it_recovers_when_started(network: Network) -> None:
    one, two = network.servers(2)
    start_pair(network, one, two, *HEALTHY)
    change_list(network, two)
    network.wait(lambda: executions(one), "it re-executes")
    one.kill()

    one.start("--restart", "itself", *HEALTHY, command=())

    wait_until_loaded(network, one, 2)
    # The file may not have held the new list when it was started.
    assert executions(one) <= 2


def test_sigterm_during_a_restart_stops_it(network: Network) -> None:
    one, two = network.servers(2)
    start_pair(network, one, two, *HEALTHY)
    change_list(network, two)
    network.wait(lambda: executions(one), "it re-executes")

    assert one.stop() == 0


def test_a_missing_program_is_reported_and_retried(network: Network, tmp_path: Path) -> None:
    one, two = network.servers(2)
    # The program that it executes, as with the standalone binary.
    program = tmp_path / "sidecar"
    program.write_text(f'#!/bin/sh\nexec {one.app[0]} -m sidecar "$@"\n')
    program.chmod(0o755)
    one.start("--restart", "itself", *HEALTHY, command=(), env={"SIDECAR_EXECUTABLE": str(program)})
    two.start()
    wait_until_loaded(network, one, 1)
    program.rename(tmp_path / "away")

    change_list(network, two)

    reason = (
        f"the sidecar cannot be re-executed: {program} was not found: there is no such file; reinstall it"
    )
    status = one.wait_for_reason(reason)
    assert (status["phase"], status["phase_since"] > 0) == ("restart-failed", True)
    network.wait(lambda: len(one.logged("process not restarted")) > 2, "it retries")
    assert {line["reason"] for line in one.logged("process not restarted")} == {reason}
    assert executions(one) == 0
    (tmp_path / "away").rename(program)
    wait_until_loaded(network, one, 2)
    assert executions(one) == 1


def test_unhealthy_it_restarts_until_it_recovers(network: Network) -> None:
    one, two = network.servers(2)
    start_pair(network, one, two, *SHORT, "--health", "exec:test ! -e unhealthy")
    one.make_unhealthy()

    change_list(network, two)

    wait_for_restart(network, one, "not healthy within 1 s: exec:test ")
    # Each attempt gets twice as long, also across executions of the program.
    wait_for_restart(network, one, "not healthy within 2 s: exec:test ")
    one.make_healthy()
    wait_until_loaded(network, one, 2)
    assert len(one.sidecars) == 1


def test_a_url_that_never_answers_restarts_it(network: Network) -> None:
    one, two = network.servers(2)
    with listening(one):
        start_pair(network, one, two, *SHORT)

    change_list(network, two)

    wait_for_restart(network, one, f"not healthy within 1 s: tcp://{str(one.url)[7:]}: ")
    with listening(one):
        wait_until_loaded(network, one, 2)


def test_changes_during_a_restart_cause_few_restarts(network: Network) -> None:
    one, two = network.servers(2)
    start_pair(network, one, two, *HEALTHY)
    change_list(network, two)
    network.wait(lambda: executions(one), "it re-executes")

    change_list(network, two)
    change_list(network, two)

    network.wait(
        lambda: network.version >= 3 and len(network.canonical["FederatedServers"]) == 5, "all joined"
    )
    wait_until_loaded(network, one, network.version)
    assert executions(one) <= network.version - 1


def test_a_sidecar_restarted_by_its_launcher_loads_the_newest_list(network: Network) -> None:
    one, two = network.servers(2)
    start_pair(network, one, two, *HEALTHY)
    one.kill()
    change_list(network, two)
    network.wait(lambda: network.version == 2, "the list has changed meanwhile")

    one.start("--restart", "itself", *HEALTHY, command=())

    wait_until_loaded(network, one, 2)
    # Once, as the file held the old list when it was started.
    assert executions(one) == 1
