"""Nothing read from etcd is trusted: invalid records are ignored and reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.kit.network import Network
from tests.kit.node import Node
from tests.kit.product_texts import IN_SYNC


def four_in_sync(network: Network) -> list[Node]:
    nodes = network.servers(4)
    network.start(*nodes)
    return nodes


def forge_canonical(network: Network, **changes: Any) -> str:
    return json.dumps({**network.canonical, "version": 2, **changes})


FORGERIES: dict[str, Callable[[Network], str]] = {
    "no JSON": lambda _: "{",
    "a number": lambda _: "7",
    "no list": lambda _: json.dumps({"version": 2}),
    "an empty list": lambda network: forge_canonical(network, FederatedServers=[]),
    "no URLs": lambda network: forge_canonical(network, FederatedServers=["localhost"]),
    "the same twice": lambda network: forge_canonical(
        network, FederatedServers=["http://a:1", "http://a:1/"]
    ),
    "below half": lambda network: forge_canonical(network, FederatedServers=[network.nodes[0].url]),
    "others": lambda network: forge_canonical(
        network, FederatedServers=[f"http://localhost:{n}" for n in range(1, 7)]
    ),
    "empty": lambda _: "",
}


def test_an_invalid_canonical_list_is_ignored_and_reported(network: Network) -> None:
    nodes = four_in_sync(network)
    right = network.etcd.get("shared/canonical")
    assert right is not None
    before = [node.file_identity() for node in nodes]

    for name, forgery in FORGERIES.items():
        network.etcd.put("shared/canonical", forgery(network))
        for node in nodes:
            assert node.wait_for_reason("canonical list rejected")["phase"] == "running", name
        network.etcd.put("shared/canonical", right.text)
        network.wait(lambda: all(node.status.get("reason") == IN_SYNC for node in nodes), "it is restored")

    assert [node.file_identity() for node in nodes] == before
    assert [len(node.starts) for node in nodes] == [1, 1, 1, 1]
    for node in nodes:
        reasons = [line["reason"] for line in node.logged("canonical list rejected")]
        assert len(reasons) >= len(FORGERIES) - 1
        assert "it drops 3 of 4 servers that were not removed" in " ".join(reasons)
    leader = network.leader
    assert leader is not None
    assert leader.logged("leader cannot act")
    # The network works as before.
    network.start(network.newcomer("fed-5", nodes[0]))
    network.wait_in_sync(*network.nodes)


def test_the_leader_does_not_extend_an_invalid_list(network: Network) -> None:
    nodes = four_in_sync(network)
    right = network.etcd.get("shared/canonical")
    assert right is not None
    network.etcd.put("shared/canonical", FORGERIES["below half"](network))
    newcomer = network.newcomer("fed-5", *nodes)

    newcomer.start()

    newcomer.wait_for_phase("joining")
    network.wait(lambda: network.etcd.get("request/join-fed-5"), "it has requested to join")
    leader = network.leader
    assert leader is not None
    network.wait(lambda: leader.logged("leader cannot act"), "the leader logs it")
    network.etcd.put("shared/canonical", right.text)
    network.wait_in_sync(*network.nodes, servers=[str(node.url) for node in network.nodes])


def test_an_invalid_list_at_boot_yields_to_the_saved_one(network: Network) -> None:
    nodes = four_in_sync(network)
    nodes[3].stop()
    network.etcd.put("shared/canonical", FORGERIES["below half"](network))

    nodes[3].start()

    network.wait(lambda: len(nodes[3].events("listening")) == 2, "it starts")
    assert nodes[3].servers == nodes[0].servers
    assert len(nodes[3].servers) == 4
    assert "it drops 3 of 4 servers" in nodes[3].status["reason"]


def test_a_short_list_explained_by_removals_is_applied(network: Network) -> None:
    nodes = four_in_sync(network)
    nodes[3].stop()
    for node in nodes[:3]:
        if node is not network.leader:
            assert network.cli("remove", node.id).code == 0
    leader = network.leader
    assert leader is not None

    nodes[3].start()

    network.wait_in_sync(leader, nodes[3], servers=[str(leader.url), str(nodes[3].url)])


def test_a_deleted_canonical_list_is_published_again(network: Network) -> None:
    nodes = four_in_sync(network)
    before = nodes[0].servers

    network.etcd.delete("shared/canonical")

    network.wait(lambda: network.version == 2, "the leader publishes it again")
    network.wait_in_sync(*nodes, servers=before)
    assert [len(node.starts) for node in nodes] == [1, 1, 1, 1]


GARBAGE = ["", "{", "[]", '{"kind": "refused"}', '{"version": "x"}', '{"admission": 7}']


KEYS = (
    "node/fed-2/grant",
    "node/fed-2/verdict",
    "report/fed-9",
    "report/fed-2",
    "request/x",
    "tombstone/fed-9",
    "member/fed-2",
    "leader/zzz",
    "shared/policy",
    "shared/unheard-of",
)


def test_garbage_in_any_other_key_is_ignored(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    for key in KEYS:
        for value in GARBAGE:
            network.etcd.put(key, value)

    # An unreadable policy may be a closed one.
    three = network.newcomer("fed-3", one)
    three.start()
    three.wait_for_phase("refused")
    network.etcd.put("shared/policy", "{}")
    three.stop()
    network.start(three)
    network.wait_in_sync(*network.nodes)

    assert [len(node.starts) for node in network.nodes] == [2, 2, 1]
    assert network.cli("members", "--json").code == 0
