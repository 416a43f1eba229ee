"""Manual edits of the list."""

from __future__ import annotations

import json

from rich.text import Text

from sidecar_demo.conditions import (
    files_hold,
    holds,
    in_step,
    log_contains,
    never_loaded,
    same_processes_answer,
    start_counts_match,
)
from sidecar_demo.network import DemoNetwork
from sidecar_demo.node import DemoNode
from sidecar_demo.steps.step import Step

FORGED = "http://localhost:6666"
REVERT_TIMEOUT = 1.0
"""Seconds until an edit of the list of a running node is reverted."""


def _forged(network: DemoNetwork) -> None:
    node = network.node("fed-2")
    network.announce("stop fed-2 and edit its federated.json")
    node.stop()
    edited = node.edit(FederatedServers=[*network.expected_servers[:-1], FORGED])
    network.announce(f"add {FORGED}, delete {network.expected_servers[-1]}; start fed-2")
    began = network.checks.clock()
    network.start(node)
    network.checks.wait(
        "its file has the network's list again",
        files_hold([node], network.expected_servers),
        "fed-2",
        since=began,
    )
    network.checks.wait("its process runs", in_step([node], network.expected_servers), "fed-2", since=began)
    network.checks.expect("it never loaded the forged list", never_loaded(node, FORGED), "fed-2")
    network.checks.expect(
        "it was started exactly once", start_counts_match([node], network.expected_starts), "fed-2"
    )
    _check_edit_is_kept(network, node, edited)


def _check_edit_is_kept(network: DemoNetwork, node: DemoNode, edited: str) -> None:
    """The rejected edit is kept, with a diff, and the log names it."""
    diff = node.newest_diff()
    if diff is None:
        network.checks.expect("the edit is kept", holds(diff, f"no diff in {node.rejected}"), node.name)
        return
    kept = diff.with_suffix("").read_text(encoding="utf-8")
    network.checks.expect("the edit is kept unchanged", holds(kept == edited, f"{diff}: differs"), node.name)
    network.checks.expect("the log names its diff", log_contains(node, diff.name), node.name)
    network.screen.show(
        [Text(str(diff), style="dim"), *map(_coloured, diff.read_text(encoding="utf-8").splitlines()[3:])]
    )


def _coloured(line: str) -> Text:
    return Text(line, style={"+": "green", "-": "red"}.get(line[:1], "dim"))


def _live_edit(network: DemoNetwork) -> None:
    node = network.node("fed-3")
    pids = {node.name: node.process()}
    network.announce("delete a server from fed-3's file, and add another key")
    node.edit(FederatedServers=list(network.expected_servers[1:]), Comment="mine")
    began = network.checks.clock()
    network.checks.wait(
        f"the list is back within {REVERT_TIMEOUT:g} s",
        files_hold([node], network.expected_servers),
        "fed-3",
        since=began,
        within=REVERT_TIMEOUT,
    )
    comment = json.loads(node.file.read_text(encoding="utf-8")).get("Comment")
    network.checks.expect("the other key is unchanged", holds(comment == "mine", "it is gone"), "fed-3")
    network.checks.wait(
        "its node is up to date", in_step([node], network.expected_servers), "fed-3", since=began
    )
    network.checks.expect("its process was not restarted", same_processes_answer([node], pids), "fed-3")


FORGED_FILE = Step(
    "A forged file",
    "While fed-2 is down, a server is added to its file and another is deleted.",
    _forged,
)
LIVE_EDIT = Step(
    "An edit of a running node",
    "FederatedServers belongs to the network, every other key to the owner.",
    _live_edit,
)
