"""What every change of the list must lead to, checked in one module."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.domain.identity import Role
from sidecar_demo.conditions import files_hold, in_step, restarted_one_at_a_time, start_counts_match
from sidecar_demo.network import DemoNetwork, join_names
from sidecar_demo.node import DemoNode


@dataclass(frozen=True, slots=True)
class Moment:
    """On the checks' clock, and in seconds since the epoch."""

    clock: float
    wall: float

    @classmethod
    def now(cls, network: DemoNetwork) -> Moment:
        return cls(network.checks.clock(), time.time())


def everyone_gets(network: DemoNetwork, since: Moment, reloading: Sequence[DemoNode], how_many: str) -> None:
    """``network.expected_servers`` reaches every file; ``reloading`` restart on it once each, in turns."""
    checks, members = network.checks, network.members
    node_names = [node.name for node in members]
    for node in reloading:
        network.expected_starts[node.name] += 1
    checks.wait(
        f"every file holds the {how_many}",
        files_hold(members, network.expected_servers),
        *node_names,
        since=since.clock,
    )
    checks.wait(
        f"{join_names(reloading)} run on it, healthy",
        in_step(members, network.expected_servers),
        *node_names,
        since=since.clock,
    )
    checks.expect(
        "each of them was restarted exactly once",
        start_counts_match(members, network.expected_starts),
        *node_names,
    )
    servers = [node for node in reloading if node.role is Role.FEDERATED]
    checks.expect(
        "one server at a time: never were two of them down",
        restarted_one_at_a_time(servers, since.wall),
        *node_names,
    )
