"""A leader at work on a network that is a value."""

from __future__ import annotations

from sidecar.domain.leader.decide import decide
from sidecar.domain.network.context import Leader
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import VersionedServers
from tests.builders import TERM, THREE, apply_transaction

NOW = 1_800_000_000.0
LEADER = Leader(TERM, initial=VersionedServers(0, THREE), last_known_good=VersionedServers(1, THREE))


def run_leader(start: Network, leader: Leader = LEADER, now: float = NOW) -> Network:
    """The network once the leader has nothing left to write; each transaction is one that etcd takes."""
    for _ in range(100):
        step = decide(start, leader, now)
        if step is None:
            return start
        assert max(len(step.transaction.operations), len(step.transaction.compares)) <= 128
        start = apply_transaction(start, step.transaction)
    raise AssertionError("the leader never comes to rest")
