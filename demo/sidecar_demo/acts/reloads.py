"""What every change of the list must lead to, checked in one place."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.domain.identity import Role
from sidecar_demo.conditions import hold, in_step, started, took_turns
from sidecar_demo.node import Node
from sidecar_demo.stage import Stage, names


@dataclass(frozen=True, slots=True)
class Moment:
    """On the checks' clock, and in seconds since the epoch."""

    clock: float
    wall: float

    @classmethod
    def now(cls, stage: Stage) -> Moment:
        return cls(stage.checks.clock(), time.time())


def everyone_gets(stage: Stage, since: Moment, reloading: Sequence[Node], how_many: str) -> None:
    """``stage.listed`` reaches every file, and ``reloading`` restart on it: once each, taking turns."""
    checks, members = stage.checks, stage.members
    who = [node.name for node in members]
    for node in reloading:
        stage.starts[node.name] += 1
    checks.wait(f"every file holds the {how_many}", hold(members, stage.listed), *who, since=since.clock)
    checks.wait(
        f"{names(reloading)} run on it, healthy", in_step(members, stage.listed), *who, since=since.clock
    )
    checks.expect("each of them was restarted exactly once", started(members, stage.starts), *who)
    servers = [node for node in reloading if node.role is Role.FEDERATED]
    checks.expect("one server at a time: never were two of them down", took_turns(servers, since.wall), *who)
