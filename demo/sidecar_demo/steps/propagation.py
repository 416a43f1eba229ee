"""The effects of every change of the list."""

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
    """A time on the clock of the checks, and in seconds since the epoch."""

    clock: float
    wall: float

    @classmethod
    def now(cls, network: DemoNetwork) -> Moment:
        return cls(network.checks.clock(), time.time())


def everyone_gets(network: DemoNetwork, since: Moment, reloading: Sequence[DemoNode], how_many: str) -> None:
    """``network.expected_servers`` reaches every file; each of ``reloading`` restarts once, one by one."""
    checks, members = network.checks, network.members
    node_names = [node.name for node in members]
    for node in reloading:
        network.expected_starts[node.name] += 1
    checks.wait(
        f"every file has the {how_many}",
        files_hold(members, network.expected_servers),
        *node_names,
        since=since.clock,
    )
    checks.wait(
        f"{join_names(reloading)} have loaded it and are healthy",
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
        "one server at a time: two were never down together",
        restarted_one_at_a_time(servers, since.wall),
        *node_names,
    )
