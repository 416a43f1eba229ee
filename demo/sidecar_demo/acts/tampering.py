"""Somebody edits the list by hand."""

from __future__ import annotations

import json

from rich.text import Text

from sidecar_demo.acts.act import Act
from sidecar_demo.conditions import answers_as, hold, in_step, is_so, logged, never_saw, started
from sidecar_demo.node import Node
from sidecar_demo.stage import Stage

FORGED = "http://localhost:6666"
AT_ONCE = 1.0
"""Seconds in which an edit of a running node's list is reverted."""


def _forged(stage: Stage) -> None:
    node = stage.node("fed-2")
    stage.tell("fed-2 is stopped, its federated.json is edited by hand")
    node.stop()
    edited = node.edit(FederatedServers=[*stage.listed[:-1], FORGED])
    stage.tell(f"{FORGED} is in, {stage.listed[-1]} is out; fed-2 starts")
    began = stage.checks.clock()
    stage.start(node)
    stage.checks.wait(
        "its file holds the network's list again", hold([node], stage.listed), "fed-2", since=began
    )
    stage.checks.wait("its process runs", in_step([node], stage.listed), "fed-2", since=began)
    stage.checks.expect("it never saw the forged list", never_saw(node, FORGED), "fed-2")
    stage.checks.expect("it was started exactly once", started([node], stage.starts), "fed-2")
    _kept(stage, node, edited)


def _kept(stage: Stage, node: Node, edited: str) -> None:
    """What was typed is kept, with a diff, and the log names it."""
    diff = node.newest_diff()
    if diff is None:
        stage.checks.expect("what was typed is kept", is_so(diff, f"no diff in {node.rejected}"), node.name)
        return
    kept = diff.with_suffix("").read_text(encoding="utf-8")
    stage.checks.expect(
        "what was typed is kept, to the letter", is_so(kept == edited, f"{diff}: differs"), node.name
    )
    stage.checks.expect("the log names its diff", logged(node, diff.name), node.name)
    stage.screen.show(
        [Text(str(diff), style="dim"), *map(_coloured, diff.read_text(encoding="utf-8").splitlines()[3:])]
    )


def _coloured(line: str) -> Text:
    return Text(line, style={"+": "green", "-": "red"}.get(line[:1], "dim"))


def _live_edit(stage: Stage) -> None:
    node = stage.node("fed-3")
    pids = {node.name: node.process()}
    stage.tell("somebody takes a server out of fed-3's file, and adds a key of their own")
    node.edit(FederatedServers=list(stage.listed[1:]), Comment="mine")
    began = stage.checks.clock()
    stage.checks.wait(
        f"the list is back within {AT_ONCE:g} s",
        hold([node], stage.listed),
        "fed-3",
        since=began,
        within=AT_ONCE,
    )
    comment = json.loads(node.file.read_text(encoding="utf-8")).get("Comment")
    stage.checks.expect(
        "the key of their own was left alone", is_so(comment == "mine", "it is gone"), "fed-3"
    )
    stage.checks.wait("its sidecar is content", in_step([node], stage.listed), "fed-3", since=began)
    stage.checks.expect("its process went on, and was not restarted", answers_as([node], pids), "fed-3")


FORGED_FILE = Act(
    "A forged file",
    "While fed-2 is down, somebody adds a server to its file and takes one out.",
    _forged,
)
LIVE_EDIT = Act(
    "An edit while it runs",
    "FederatedServers belongs to the network, every other key to the owner.",
    _live_edit,
)
