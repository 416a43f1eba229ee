"""The policy of rollouts on real processes: canary, limit of unavailable nodes, restart budget."""

from __future__ import annotations

from tests.e2e.rollouts.test_restart_grants import let_start
from tests.kit.network import Network
from tests.kit.node import Node


def running_servers(network: Network, count: int, **rollout: object) -> list[Node]:
    """``count`` servers in sync, of which the first leads, under a ``rollout`` policy."""
    leader, *followers = network.servers(count)
    network.start(leader)
    network.start(*followers)
    network.etcd.put("shared/policy", {"rollout": rollout})
    return [leader, *followers]


def test_the_canary_goes_first_and_alone(network: Network) -> None:
    leader, two, canary = running_servers(network, 3, canary="fed-3", max_unavailable=2)
    canary.configure_app(never_listens=1)
    network.start(network.newcomer("fed-4", leader))

    network.wait(lambda: len(canary.starts) == 2, "the canary restarts")
    two.wait_for_phase("restart-pending")
    network.wait(lambda: "grant" in "".join(network.etcd.all("node/")), "it has its grant")
    assert set(network.etcd.all("node/")) == {"node/fed-3/grant"}
    assert [len(node.starts) for node in (leader, two)] == [1, 1]

    let_start(canary)
    network.wait_in_sync(*network.nodes)
    recovered = canary.events("listening")[-1].at
    assert all(node.events("stopping")[0].at > recovered for node in (leader, two))


def test_a_percentage_is_of_the_nodes_of_a_role(network: Network) -> None:
    leader, *followers = running_servers(network, 4, max_unavailable="50%")
    for node in followers:
        node.configure_app(never_listens=1)
    network.start(network.newcomer("fed-5", leader))

    def stuck() -> list[Node]:
        return [node for node in followers if len(node.starts) == 2]

    network.wait(lambda: len(stuck()) == 2, "half of five, rounded down, restart at once")
    restarting = stuck()
    (waiting,) = (node for node in followers if node not in restarting)
    waiting.configure_app()
    waiting.wait_for_phase("restart-pending")
    assert set(network.etcd.all("node/")) == {f"node/{node.id}/grant" for node in restarting}
    assert stuck() == restarting

    for node in restarting:
        let_start(node)
    network.wait_in_sync(*network.nodes)


def test_the_restart_limit_halts_the_rollout_until_it_is_raised(
    network: Network,
) -> None:
    three = running_servers(network, 3, budget={"restarts": 1, "within": 3600})
    network.start(network.newcomer("fed-4", three[0]))
    network.wait_in_sync(*network.nodes)
    assert [len(node.starts) for node in three] == [2, 2, 2]

    network.start(network.newcomer("fed-5", three[0]))
    for node in three:
        assert "the rollout is halted" in node.wait_for_reason("restarted 1 times within 3600 s")["reason"]
    assert [len(node.starts) for node in three] == [2, 2, 2]
    assert "fed-2 was restarted 1 times within 3600 s" in network.cli("rollout", "status").out

    assert network.cli("policy", "set", "rollout.budget.restarts=2").code == 0
    network.wait_in_sync(*network.nodes)
    assert [len(node.starts) for node in three] == [3, 3, 3]
