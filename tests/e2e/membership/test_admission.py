"""Admission: by an operator, a join token or a probe of the URL; and names that are in use."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.kit.network import Network
from tests.kit.node import Node


def three_servers(network: Network) -> list[Node]:
    nodes = network.servers(3)
    network.start(*nodes)
    return nodes


def set_policy(network: Network, *rules: str) -> None:
    answer = network.cli("policy", "set", *rules)
    assert answer.code == 0, answer


def test_a_newcomer_is_pending_until_an_operator_approves_it(network: Network) -> None:
    nodes = three_servers(network)
    set_policy(network, "admission=manual")
    newcomer = network.newcomer("fed-4", nodes[0])
    newcomer.start()
    assert "`sidecar approve fed-4` lets it in" in newcomer.wait_for_reason("sidecar approve fed-4")["reason"]
    assert newcomer.starts == []
    pending = network.cli("pending", "--json").document
    assert [(each["node_id"], each["url"]) for each in pending] == [("fed-4", newcomer.url)]

    answer = network.cli("approve", "fed-4", "--reason", "rack 7")
    assert answer.code == 0, answer
    network.wait_in_sync(*network.nodes)
    assert network.canonical["cause"][0]["reason"] == "rack 7"
    assert network.cli("pending", "--json").document == []


def test_a_refused_newcomer_starts_nothing_and_fails_the_gate(network: Network) -> None:
    nodes = three_servers(network)
    set_policy(network, "admission=manual")
    newcomer = network.newcomer("fed-4", nodes[0])
    newcomer.start()
    newcomer.wait_for_reason("sidecar approve fed-4")
    assert network.cli("refuse", "fed-4", "--reason", "not ours").code == 0
    assert "refused it: not ours" in newcomer.wait_for_phase("refused")["reason"]
    assert newcomer.starts == []
    assert network.cli("approve", "fed-4").code == 77


def test_a_join_token_is_good_for_one_newcomer(network: Network) -> None:
    nodes = three_servers(network)
    set_policy(network, "admission=token")
    created = network.cli("token", "create")
    assert created.code == 0, created
    file = nodes[0].folder / "join.token"
    file.write_text(created.out)

    first = network.newcomer("fed-4", nodes[0])
    first.start("--join-token-file", str(file))
    network.wait_in_sync(*network.nodes)
    assert created.out.strip() not in first.log_text()
    network.wait(lambda: not network.etcd.all("token/"), "the token is spent")

    second = network.newcomer("fed-5", nodes[0])
    second.start("--join-token-file", str(file))
    assert "there is no join token" in second.wait_for_phase("refused")["reason"]
    third = network.newcomer("fed-6", nodes[0])
    third.start()
    assert "--join-token-file" in third.wait_for_phase("refused")["reason"]


@pytest.mark.parametrize(
    ("text", "message"), [("secret\n", "is not a join token"), ("", "is empty"), (None, "cannot be read")]
)
def test_an_invalid_token_file_is_reported_before_the_start(
    network: Network, text: str | None, message: str
) -> None:
    (node,) = network.servers(1)
    file = node.folder / "join.token"
    if text is not None:
        file.write_text(text)
    node.start("--join-token-file", str(file))
    assert node.wait_for_exit() == 78
    assert message in node.log_text()
    assert "Traceback" not in node.log_text()
    assert not text or text.strip() not in node.log_text()


def test_the_policy_may_require_a_probe_of_the_newcomers_url(network: Network) -> None:
    nodes = three_servers(network)
    set_policy(network, "admission_probe=answers")
    newcomer = network.newcomer("fed-4", nodes[0])
    newcomer.start()
    assert f"nothing answers at {newcomer.url}" in newcomer.wait_for_phase("refused")["reason"]


def test_a_node_id_in_use_elsewhere_keeps_the_process_stopped(network: Network) -> None:
    nodes = three_servers(network)
    double = network.newcomer("double", nodes[0])
    double.start("--node-id", "fed-2")
    assert "the NodeID fed-2 is taken by a node that is alive" in double.wait_for_phase("refused")["reason"]
    assert double.starts == []
    network.wait_in_sync(*nodes)
    nodes[1].wait_for_reason(
        f"at {double.url} uses the same NodeID and is locked out; change its NodeID or stop it"
    )
    (line,) = nodes[1].logged("NodeID or URL conflict with another node")
    assert line["node_id"] == "fed-2"


def test_two_database_nodes_cannot_share_a_node_id(network: Network) -> None:
    (server,) = network.servers(1)
    first, second = network.database("db-1", []), network.database("db-2", [])
    network.start(server, first)
    second.start("--node-id", "db-1")
    assert "taken by a node that is alive, on" in second.wait_for_phase("refused")["reason"]
    assert second.starts == []
    first.wait_for_reason(f"({second.file}) uses the same NodeID and is locked out")
    first.stop()
    network.wait(lambda: len(second.starts) == 1, "the NodeID is free")


def test_a_url_in_use_by_another_node_is_refused(network: Network) -> None:
    nodes = three_servers(network)
    urls = [node.url or "" for node in nodes]
    thief = network.node("fed-9", urlsplit(urls[1]).port, urls)
    thief.start(command=())
    status = thief.wait_for_reason("is the URL of fed-2, which is alive")
    nodes[1].wait_for_reason(f"at {urls[1]} uses the same URL and is locked out")
    assert status["phase"] in ("refused", "running")
    members = network.cli("members", "--json").document
    assert [member["node_id"] for member in members] == ["fed-1", "fed-2", "fed-3"]
