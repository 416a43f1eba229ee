"""Failures that stop no process: the loss of the leader, and an outage of etcd."""

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
"""Seconds from the kill of the leader's sidecar until another server is leader."""


def _leader_dies(network: DemoNetwork) -> None:
    leader = network.leader()
    if leader is None:
        network.checks.expect("there is a leader", holds(False, "there is none"))
        return
    pids = {leader.name: leader.process()}
    network.announce(f"kill -9 the sidecar of {leader.name}, the leader")
    leader.kill()
    began = network.checks.clock()
    network.checks.wait(
        f"another server is leader within the lease TTL ({LEASE_TTL} s) and one second",
        lambda: None if network.leader() else "there is no leader",
        *(node.name for node in network.servers),
        since=began,
        within=FAILOVER_TIMEOUT,
    )
    successor = network.leader()
    network.announce(
        f"{successor.name if successor else 'no server'} is leader; {leader.name}'s sidecar is restarted"
    )
    network.checks.expect(
        f"{leader.name}'s process kept running without its sidecar",
        same_processes_answer([leader], pids),
        leader.name,
    )
    began = network.checks.clock()
    leader.start()
    network.checks.wait(
        "the sidecar adopts the running process",
        adopted(leader, pids[leader.name]),
        leader.name,
        since=began,
    )
    network.checks.wait(
        "and its node is up to date", in_step([leader], network.expected_servers), leader.name, since=began
    )
    network.checks.expect(
        "nothing was restarted", start_counts_match(network.members, network.expected_starts), leader.name
    )


def _etcd_down(network: DemoNetwork) -> None:
    members, node_names = network.members, [node.name for node in network.members]
    pids = {node.name: node.process() for node in members}
    network.announce("stop etcd")
    network.etcd.stop()
    began = network.checks.clock()
    network.checks.wait("every lease has expired", leases_expired(members), *node_names, since=began)
    network.checks.expect(
        "nothing was stopped or restarted", same_processes_answer(members, pids), *node_names
    )
    _boot_without_etcd(network, network.node("db-1"))
    network.announce("start etcd")
    network.etcd.start()
    began = network.checks.clock()
    network.checks.wait(
        "all nodes are up to date again", in_step(members, network.expected_servers), *node_names, since=began
    )
    network.checks.wait(
        "there is a leader",
        lambda: None if network.leader() else "there is no leader",
        *node_names,
        since=began,
    )
    network.checks.expect(
        "nothing was restarted meanwhile", start_counts_match(members, network.expected_starts), *node_names
    )


def _boot_without_etcd(network: DemoNetwork, node: DemoNode) -> None:
    network.announce(f"restart {node.name} without etcd")
    node.stop()
    began = network.checks.clock()
    network.start(node)
    network.checks.wait(
        "its process runs with the last known good list", process_runs(node), node.name, since=began
    )
    network.checks.expect("its file has that list", files_hold([node], network.expected_servers), node.name)


LEADER_DIES = Step(
    "The leader dies",
    "Its sidecar is killed. Its process keeps running; another server leads.",
    _leader_dies,
)
ETCD_DOWN = Step(
    "etcd fails",
    "Nothing stops. A node that boots meanwhile uses its last known good list.",
    _etcd_down,
)
