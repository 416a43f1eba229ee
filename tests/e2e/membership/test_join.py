"""Joins: of newcomers, which the network admits, and of strangers, which it refuses."""

from __future__ import annotations

import json
from itertools import pairwise

from tests.kit.network import Network
from tests.kit.node import Node


def overlapping(nodes: list[Node]) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Pairs of outages of two nodes at the same time."""
    outages = sorted(outage for node in nodes for outage in node.downtimes)
    return [(a, b) for a, b in pairwise(outages) if b[0] < a[1]]


def test_a_join_reaches_every_file_with_one_restart_each(
    network: Network,
) -> None:
    *three, fed_4 = network.sample_nodes()
    network.start(*three)
    keys_before = [{**json.loads(node.file.read_text()), "FederatedServers": None} for node in network.nodes]
    four = [node.url for node in network.nodes]

    network.start(fed_4)
    network.wait_in_sync(*network.nodes)

    assert [node.servers for node in network.nodes] == [four] * 4
    assert [len(node.starts) for node in network.nodes] == [2, 2, 2, 1]
    assert [node.starts[-1].servers for node in network.nodes] == [four] * 4
    assert overlapping(three) == []
    canonical = network.canonical
    assert canonical["version"] == 2
    assert [(change["kind"], change["node_id"]) for change in canonical["cause"]] == [("join", "fed-4")]
    keys_after = [{**json.loads(node.file.read_text()), "FederatedServers": None} for node in network.nodes]
    assert keys_after == keys_before
    assert network.verdict(fed_4) is None


def test_a_newcomer_may_name_any_server_of_the_network(network: Network) -> None:
    one, two, three = network.servers(3)
    network.start(one, two, three)

    four = network.newcomer("fed-4", three)
    network.start(four)
    network.wait_in_sync(*network.nodes)

    assert four.servers == [one.url, two.url, three.url, four.url]


def test_a_refused_stranger_joins_once_its_file_names_a_member(
    network: Network,
) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    stranger = network.newcomer("fed-9")
    before = stranger.file_identity()

    stranger.start()

    status = stranger.wait_for_phase("refused")
    verdict = network.verdict(stranger)
    assert verdict is not None
    assert verdict["kind"] == "refused"
    assert verdict["reason"] == status["reason"]
    assert "its file names no server of this network" in status["reason"]
    assert [line["reason"] for line in stranger.logged("refused")] == [status["reason"]]
    assert stranger.starts == []
    assert stranger.file_identity() == before
    assert network.version == 1
    assert stranger.get("/readyz")[0] == 503

    stranger.edit(FederatedServers=[two.url, stranger.url])
    network.wait_in_sync(one, two, stranger, servers=[str(one.url), str(two.url), str(stranger.url)])

    assert len(stranger.starts) == 1
    assert network.verdict(stranger) is None


def test_a_refused_stranger_exits_with_77(network: Network) -> None:
    network.start(*network.servers(1))
    stranger = network.newcomer("fed-9")
    stranger.start()
    stranger.wait_for_phase("refused")

    assert stranger.stop() == 77
    assert stranger.starts == []


def test_simultaneous_joins_are_batched_into_few_restarts(
    network: Network,
) -> None:
    three = network.servers(3)
    network.start(*three)
    newcomers = [network.newcomer(f"fed-{number}", three[number % 3]) for number in range(4, 12)]

    network.start(*newcomers)
    network.wait_in_sync(*network.nodes)

    assert len(network.nodes[0].servers) == 11
    assert network.nodes[0].servers[:3] == [node.url for node in three]
    assert {tuple(node.servers) for node in network.nodes} == {tuple(three[0].servers)}
    assert network.version <= 4
    for node in three:
        assert 2 <= len(node.starts) <= 3
    assert overlapping(three) == []
    assert {len(node.starts) for node in newcomers} <= {1, 2, 3}


def test_a_node_id_of_another_server_is_refused(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    double = network.newcomer("fed-3", one)
    double.defaults = (*double.defaults, "--node-id", "fed-2")

    double.start()

    status = double.wait_for_phase("refused")
    assert "the NodeID fed-2 is taken" in status["reason"]
    assert double.starts == []
    network.wait_in_sync(one, two)
    assert [len(node.starts) for node in (one, two)] == [1, 1]


def test_a_closed_network_admits_no_server_until_the_policy_opens(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    network.etcd.put("shared/policy", {"admission": "closed"})
    newcomer = network.newcomer("fed-2", one)

    newcomer.start()

    assert "closed" in newcomer.wait_for_phase("refused")["reason"]
    assert newcomer.starts == []
