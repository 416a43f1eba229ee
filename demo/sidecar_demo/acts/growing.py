"""The network comes up, and grows."""

from __future__ import annotations

from sidecar.domain.errors import ExitCode
from sidecar.domain.identity import Role
from sidecar_demo.acts.act import Act
from sidecar_demo.acts.reloads import Moment, everyone_gets
from sidecar_demo.checks import first
from sidecar_demo.conditions import (
    hold,
    in_step,
    is_so,
    leads,
    logged,
    phase_is,
    silent,
    started,
    untouched,
)
from sidecar_demo.stage import Stage, Stamp


def _in_step(stage: Stage) -> None:
    stage.listed = stage.urls("fed-1", "fed-2", "fed-3")
    nodes = [stage.settle(name, Role.FEDERATED, stage.listed) for name in ("fed-1", "fed-2", "fed-3")]
    stamps = {node.name: Stamp.of(node.file) for node in nodes}
    who = [node.name for node in nodes]
    began = stage.checks.clock()
    stage.tell("fed-1 starts: its sidecar first, and that starts the process")
    stage.start(nodes[0])
    stage.checks.wait(
        "fed-1 leads, and its list is the network's",
        lambda: first((leads(nodes[0])(), in_step(nodes[:1], stage.listed)())),
        "fed-1",
        since=began,
    )
    stage.tell("fed-2 and fed-3 start")
    stage.start(*nodes[1:])
    stage.checks.wait(
        "all three run, on the list of their files", in_step(nodes, stage.listed), *who, since=began
    )
    stage.checks.expect(
        "no file was written: same inode, same time of writing", untouched(nodes, stamps), *who
    )
    stage.checks.expect("each process was started exactly once", started(nodes, stage.starts), *who)


def _database(stage: Stage) -> None:
    node = stage.settle("db-1", Role.DATABASE, stage.urls("fed-1"))
    others = node.without_list()
    began = stage.checks.clock()
    stage.tell("db-1 starts")
    stage.start(node)
    stage.checks.wait(
        "its config.json holds the three servers", hold([node], stage.listed), "db-1", since=began
    )
    stage.checks.wait("its process runs on them", in_step([node], stage.listed), "db-1", since=began)
    stage.checks.expect(
        "every other key of the file is as it was",
        is_so(node.without_list() == others, "they changed"),
        "db-1",
    )
    stamp = {node.name: Stamp.of(node.file)}
    stage.tell("its sidecar is stopped and started: the list is the same now")
    node.stop()
    began = stage.checks.clock()
    stage.start(node)
    stage.checks.wait("its process runs again", in_step([node], stage.listed), "db-1", since=began)
    stage.checks.expect("nothing was written", untouched([node], stamp), "db-1")
    stage.checks.expect(
        "one start of the sidecar, one start of the process", started([node], stage.starts), "db-1"
    )


def _join(stage: Stage) -> None:
    reloading = stage.members
    fed_4 = stage.settle("fed-4", Role.FEDERATED, stage.urls("fed-1", "fed-4"))
    stage.listed = (*stage.listed, fed_4.url)
    stage.tell("fed-4 starts")
    since = Moment.now(stage)
    stage.start(fed_4)
    everyone_gets(stage, since, reloading, "four servers, in that order")
    lives = fed_4.lives()
    stage.checks.expect(
        "fed-4's process was started once, and saw the whole list",
        is_so(len(lives) == 1 and lives[0].servers == stage.listed, f"its lives: {lives}"),
        "fed-4",
    )


def _stranger(stage: Stage) -> None:
    node = stage.settle("stranger", Role.FEDERATED, (stage.url("stranger"), "http://localhost:6666"))
    stamp = {node.name: Stamp.of(node.file)}
    stage.tell("the stranger starts")
    began = stage.checks.clock()
    node.start()
    stage.checks.wait("it is refused", phase_is(node, "refused"), "stranger", "fed-1", since=began)
    stage.checks.expect("its log says why", logged(node, "names no server of this network"), "stranger")
    stage.checks.expect("its process was not started", started([node], stage.starts), "stranger")
    stage.checks.expect("its file is untouched", untouched([node], stamp), "stranger")
    stage.checks.expect("nobody else noticed", hold(stage.members, stage.listed), "fed-1")
    code = node.stop()
    stage.checks.expect(
        f"its sidecar ends with {int(ExitCode.REFUSED)}, refused",
        is_so(code == ExitCode.REFUSED, f"it ended with {code}"),
        "stranger",
    )
    stage.checks.expect("and nothing answers on its port", silent(node), "stranger")


IN_STEP = Act(
    "Three servers, in step",
    "Their files hold the same list: nothing is to be done, nothing is written.",
    _in_step,
)
DATABASE = Act(
    "A database node",
    "Its file names fed-1 alone. It gets the list before its process starts.",
    _database,
)
JOIN = Act(
    "fed-4 joins",
    "Its file names fed-1 and itself. The leader appends it, all reload in turn.",
    _join,
)
STRANGER = Act(
    "A stranger is turned away",
    "Its file names itself, and a server that nobody knows.",
    _stranger,
)
