"""What must not stop anything: a leader's death, and an etcd that is away."""

from __future__ import annotations

from sidecar_demo.conditions import (
    adopted,
    files_hold,
    holds,
    in_step,
    leases_expired,
    process_runs,
    same_processes_answer,
    start_counts_match,
)
from sidecar_demo.network import DemoNetwork
from sidecar_demo.node import LEASE_TTL, DemoNode
from sidecar_demo.steps.step import Step

FAILOVER_TIMEOUT = LEASE_TTL + 1.0
"""Seconds after which another leads, when the leader's sidecar was killed."""


def _leader_dies(network: DemoNetwork) -> None:
    leader = network.leader()
    if leader is None:
        network.checks.expect("somebody leads", holds(False, "nobody does"))
        return
    pids = {leader.name: leader.process()}
    network.announce(f"kill -9 of the sidecar of {leader.name}, the leader")
    leader.kill()
    began = network.checks.clock()
    network.checks.wait(
        f"another leads, within the lease's {LEASE_TTL} s and one more",
        lambda: None if network.leader() else "nobody leads",
        *(node.name for node in network.servers),
        since=began,
        within=FAILOVER_TIMEOUT,
    )
    successor = network.leader()
    network.announce(
        f"{successor.name if successor else 'nobody'} leads; {leader.name}'s sidecar is started again"
    )
    network.checks.expect(
        f"{leader.name}'s process went on without its sidecar",
        same_processes_answer([leader], pids),
        leader.name,
    )
    began = network.checks.clock()
    leader.start()
    network.checks.wait(
        "it takes over the process that it finds, as it runs",
        adopted(leader, pids[leader.name]),
        leader.name,
        since=began,
    )
    network.checks.wait(
        "and is in step", in_step([leader], network.expected_servers), leader.name, since=began
    )
    network.checks.expect(
        "nothing was restarted", start_counts_match(network.members, network.expected_starts), leader.name
    )


def _etcd_down(network: DemoNetwork) -> None:
    members, node_names = network.members, [node.name for node in network.members]
    pids = {node.name: node.process() for node in members}
    network.announce("etcd is stopped")
    network.etcd.stop()
    began = network.checks.clock()
    network.checks.wait("every lease has run out", leases_expired(members), *node_names, since=began)
    network.checks.expect(
        "nothing was stopped or restarted", same_processes_answer(members, pids), *node_names
    )
    _boot_without_etcd(network, network.node("db-1"))
    network.announce("etcd comes back")
    network.etcd.start()
    began = network.checks.clock()
    network.checks.wait(
        "everybody is in step again", in_step(members, network.expected_servers), *node_names, since=began
    )
    network.checks.wait(
        "somebody leads", lambda: None if network.leader() else "nobody leads", *node_names, since=began
    )
    network.checks.expect(
        "nothing was restarted on the way", start_counts_match(members, network.expected_starts), *node_names
    )


def _boot_without_etcd(network: DemoNetwork, node: DemoNode) -> None:
    network.announce(f"{node.name} is stopped, and started with etcd away")
    node.stop()
    began = network.checks.clock()
    network.start(node)
    network.checks.wait(
        "its process runs, from the last-known-good list", process_runs(node), node.name, since=began
    )
    network.checks.expect("its file holds that", files_hold([node], network.expected_servers), node.name)


LEADER_DIES = Step(
    "The leader dies",
    "Its sidecar is killed. The process next to it goes on; another leads.",
    _leader_dies,
)
ETCD_DOWN = Step(
    "etcd goes away",
    "Nothing is stopped. Who boots meanwhile has the last-known-good list.",
    _etcd_down,
)
