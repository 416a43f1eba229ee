"""Grants: each file follows at once, each restart waits for the leader's grant."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from tests.e2e.membership.test_join import overlapping
from tests.kit.network import Network
from tests.kit.node import Node


@dataclass(frozen=True, slots=True)
class Rollout:
    """Three servers that restart after a join: one does not become healthy, another waits for its grant.

    The leader's own server may have restarted before, or waits as well.
    """

    leader: Node
    stuck: Node
    waiting: Node
    newcomer: Node


def stuck_rollout(network: Network, *others: Node) -> Rollout:
    """Three servers and ``others`` in sync, then a join after which one restart does not complete."""
    leader, *followers = network.servers(3)
    network.start(leader)
    network.start(*followers, *others)
    for node in followers:
        node.configure_app(never_listens=1)
    newcomer = network.newcomer("fed-4", leader)
    network.start(newcomer)  # a newcomer needs no grant
    stuck = network.wait(
        lambda: next((n for n in followers if len(n.starts) == 2), None), "one has its grant"
    )
    (waiting,) = (node for node in followers if node is not stuck)
    waiting.configure_app()
    assert (
        waiting.wait_for_phase("restart-pending")["reason"] == "waiting for a grant to restart into version 2"
    )
    return Rollout(leader, stuck, waiting, newcomer)


def let_start(node: Node) -> None:
    """Kill the process that does not listen; the next one does."""
    node.configure_app()
    os.kill(node.starts[-1].pid, signal.SIGKILL)


def test_a_node_that_stays_unhealthy_keeps_its_grant(
    network: Network,
) -> None:
    rollout = stuck_rollout(network)
    full = [str(node.url) for node in network.nodes]

    network.wait(lambda: [node.servers for node in network.nodes] == [full] * 4, "every file follows at once")
    network.wait(
        lambda: set(network.etcd.all("node/")) == {f"node/{rollout.stuck.id}/grant"}, "one has the grant"
    )
    network.wait(
        lambda: (network.report(rollout.stuck) or {}).get("phase") == "starting", "it is reported as starting"
    )
    rollout.stuck.wait_for_reason("not healthy")
    assert len(rollout.stuck.starts) == 2
    assert len(rollout.waiting.starts) == 1

    let_start(rollout.stuck)
    network.wait_in_sync(*network.nodes)

    assert len(rollout.stuck.starts) == 3
    assert [len(node.starts) for node in (rollout.leader, rollout.waiting, rollout.newcomer)] == [2, 2, 1]
    network.wait(lambda: network.etcd.all("node/") == {}, "every grant is returned")
    recovered = next(event.at for event in rollout.stuck.events("listening")[1:])
    assert rollout.waiting.events("stopping")[0].at > recovered


def test_several_changes_while_a_node_waits_become_one_restart(network: Network) -> None:
    rollout = stuck_rollout(network)
    five = network.newcomer("fed-5", rollout.waiting)
    five.start()
    network.wait(lambda: network.version == 3, "fed-5 is in")
    assert network.cli("remove", "fed-4").code == 0
    rollout.newcomer.wait_for_phase("removed")
    remaining = [node for node in network.nodes if node is not rollout.newcomer]
    expected = [str(node.url) for node in remaining]
    network.wait(lambda: [node.servers for node in remaining] == [expected] * 4, "the files follow")
    assert len(rollout.waiting.starts) == 1

    # It still has its grant, and restarting it on the newest list at once disturbs no other node.
    network.wait(lambda: rollout.stuck.starts[-1].servers == expected, "it restarts on the newest list")
    assert len(rollout.waiting.starts) == 1
    let_start(rollout.stuck)
    network.wait_in_sync(*remaining)

    assert [start.servers for start in rollout.waiting.starts][1:] == [expected]


def test_a_node_that_was_down_needs_no_grant(network: Network) -> None:
    rollout = stuck_rollout(network)
    rollout.waiting.stop()

    network.start(rollout.waiting)

    assert len(rollout.waiting.starts) == 2
    assert rollout.stuck.wait_for_reason("not healthy")["healthy"] is False


def test_database_nodes_restart_after_the_servers_one_at_a_time(network: Network) -> None:
    databases = [network.database("db-1", []), network.database("db-2", [])]
    rollout = stuck_rollout(network, *databases)
    for node in databases:
        assert (
            node.wait_for_phase("restart-pending")["reason"]
            == "waiting for a grant to restart into version 2"
        )
    assert [len(node.starts) for node in databases] == [1, 1]

    let_start(rollout.stuck)
    network.wait_in_sync(*network.nodes)

    servers = (rollout.leader, rollout.stuck, rollout.waiting)
    back = max(node.events("listening")[-1].at for node in servers)
    assert all(node.events("stopping")[0].at > back for node in databases)
    assert overlapping(databases) == []


def test_grants_continue_under_the_next_leader(network: Network) -> None:
    rollout = stuck_rollout(network)
    old = rollout.leader
    old.kill()
    network.wait(lambda: network.leader not in (old, None), "there is another leader")

    let_start(rollout.stuck)
    network.wait_in_sync(rollout.stuck, rollout.newcomer)
    # The killed node counts as unavailable, and one of three is the limit.
    assert len(rollout.waiting.starts) == 1

    old.start()
    network.wait_in_sync(*network.nodes)
    assert len(rollout.waiting.starts) == 2
