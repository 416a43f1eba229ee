"""A leader and its network as values: no etcd, no clock."""

from __future__ import annotations

from sidecar.domain.leader.decide import decide
from sidecar.domain.network.context import Leader
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member
from tests.builders import KEYS, TERM, THREE, apply_transaction, canonical, join, report, server

NOW = 1_800_000_000.0
LEADER = Leader(TERM, bootstrap_list=VersionedServers(0, THREE), last_known_good=VersionedServers(1, THREE))


def run_leader(start: Network, leader: Leader = LEADER, now: float = NOW) -> Network:
    """The network once the leader has nothing left to write; each transaction is one that etcd takes."""
    for _ in range(100):
        step = decide(start, leader, now)
        if step is None:
            return start
        assert max(len(step.transaction.operations), len(step.transaction.compares)) <= 128
        start = apply_transaction(start, step.transaction)
    raise AssertionError("the leader never comes to rest")


def member(number: int) -> Member:
    who = server(number)
    return Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")


def converged_records() -> dict[str, Record]:
    """Three servers, in step on version 1."""
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001, 9002),
        KEYS.last_healthy: canonical(9000, 9001, 9002),
    }
    for number in (1, 2, 3):
        records[KEYS.report(server(number).node_id)] = report(server(number))
        records[KEYS.member(server(number).node_id)] = member(number)
    return records


def join_requests(count: int) -> dict[str, Record]:
    """The join requests of ``count`` newcomers."""
    ports = range(10_000, 10_000 + count)
    return {KEYS.request(f"join-fed-{port}"): join(server(port, port), 9000, port) for port in ports}
