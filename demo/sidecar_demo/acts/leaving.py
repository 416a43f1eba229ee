"""A server is taken out of the network, and let in again."""

from __future__ import annotations

from sidecar_demo.acts.act import Act
from sidecar_demo.acts.reloads import Moment, everyone_gets
from sidecar_demo.conditions import hold, is_so, phase_is, silent, started
from sidecar_demo.stage import Stage


def _remove(stage: Stage) -> None:
    fed_3 = stage.node("fed-3")
    stage.listed = tuple(url for url in stage.listed if url != fed_3.url)
    since = Moment.now(stage)
    _ask(stage, "remove", "fed-3", "--reason", "a demonstration")
    everyone_gets(stage, since, stage.members, "three that are left")
    stage.checks.wait(
        "fed-3's own sidecar has stopped its process", silent(fed_3), "fed-3", since=since.clock
    )
    stage.tell("fed-3's sidecar is stopped and started: a reboot")
    fed_3.stop()
    began = stage.checks.clock()
    fed_3.start()
    stage.checks.wait("the tombstone keeps it out", phase_is(fed_3, "removed"), "fed-3", since=began)
    stage.checks.expect("its process was not started", started([fed_3], stage.starts), "fed-3")
    stage.checks.expect("the others are as they were", started(stage.members, stage.starts), "fed-3")


def _readmit(stage: Stage) -> None:
    fed_3, reloading = stage.node("fed-3"), stage.members
    stage.listed = (*stage.listed, fed_3.url)
    stage.starts["fed-3"] += 1
    since = Moment.now(stage)
    _ask(stage, "readmit", "fed-3")
    everyone_gets(stage, since, reloading, "four servers, fed-3 as the last")
    stage.checks.expect("fed-3's own file holds them too", hold([fed_3], stage.listed), "fed-3")


def _ask(stage: Stage, *words: str) -> None:
    """Run a verb that changes something; it waits until that is done."""
    stage.tell(f"sidecar {' '.join(words[:2])}")
    began = stage.checks.clock()
    answer = stage.verb(*words)
    took = stage.checks.clock() - began
    told = (answer.stdout if answer.returncode == 0 else answer.stderr).strip()
    stage.checks.expect(
        f"it answers: {told}", is_so(answer.returncode == 0, f"exit code {answer.returncode}"), seconds=took
    )


REMOVE = Act(
    "fed-3 is removed",
    "An operator takes it out. The others get the new list; it stays out.",
    _remove,
)
READMIT = Act(
    "fed-3 is readmitted",
    "The operator takes the tombstone away; its sidecar asks to join by itself.",
    _readmit,
)
