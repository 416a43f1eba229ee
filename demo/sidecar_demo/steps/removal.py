"""A server is removed from the network, and joins again."""

from __future__ import annotations

from sidecar_demo.conditions import files_hold, holds, phase_is, process_is_down, start_counts_match
from sidecar_demo.network import DemoNetwork
from sidecar_demo.steps.propagation import Moment, everyone_gets
from sidecar_demo.steps.step import Step


def _remove(network: DemoNetwork) -> None:
    fed_3 = network.node("fed-3")
    network.expected_servers = tuple(url for url in network.expected_servers if url != fed_3.url)
    since = Moment.now(network)
    _run_and_check(network, "remove", "fed-3", "--reason", "a demonstration")
    everyone_gets(network, since, network.members, "three remaining servers")
    network.checks.wait(
        "fed-3's own sidecar has stopped its process", process_is_down(fed_3), "fed-3", since=since.clock
    )
    network.announce("restart fed-3's sidecar, as after a reboot")
    fed_3.stop()
    began = network.checks.clock()
    fed_3.start()
    network.checks.wait("it stays locked out", phase_is(fed_3, "removed"), "fed-3", since=began)
    network.checks.expect(
        "its process was not started", start_counts_match([fed_3], network.expected_starts), "fed-3"
    )
    network.checks.expect(
        "the others were not restarted", start_counts_match(network.members, network.expected_starts), "fed-3"
    )


def _readmit(network: DemoNetwork) -> None:
    fed_3, reloading = network.node("fed-3"), network.members
    network.expected_servers = (*network.expected_servers, fed_3.url)
    network.expected_starts["fed-3"] += 1
    since = Moment.now(network)
    _run_and_check(network, "readmit", "fed-3")
    everyone_gets(network, since, reloading, "four servers, fed-3 as the last")
    network.checks.expect(
        "fed-3's own file has them too", files_hold([fed_3], network.expected_servers), "fed-3"
    )


def _run_and_check(network: DemoNetwork, *words: str) -> None:
    """Run a command that changes the network, and waits for the change."""
    network.announce(f"sidecar {' '.join(words[:2])}")
    began = network.checks.clock()
    answer = network.run_command(*words)
    took = network.checks.clock() - began
    message = (answer.stdout if answer.returncode == 0 else answer.stderr).strip()
    network.checks.expect(
        f"it prints: {message}", holds(answer.returncode == 0, f"exit code {answer.returncode}"), seconds=took
    )


REMOVE = Step(
    "fed-3 is removed",
    "An operator removes it. The others load the new list; it stays locked out.",
    _remove,
)
READMIT = Step(
    "fed-3 is readmitted",
    "The operator deletes its tombstone; its sidecar asks to join by itself.",
    _readmit,
)
