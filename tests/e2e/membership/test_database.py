"""Database nodes follow the list, and never change it."""

from __future__ import annotations

from tests.e2e.membership.test_join import overlapping
from tests.kit.network import Network


def test_a_database_node_in_sync_is_neither_written_nor_restarted(network: Network) -> None:
    one, two = network.servers(2)
    database = network.database("db-1", [str(one.url), str(two.url)])
    before = database.file_identity()

    network.start(one, two, database)

    assert database.file_identity() == before
    assert len(database.starts) == 1
    assert database.rejected == []


def test_another_spelling_of_the_same_list_is_not_rewritten(network: Network) -> None:
    one, two = network.servers(2)
    database = network.database("db-1", [f"HTTP://LOCALHOST{str(node.url)[16:]}/" for node in (one, two)])
    before = database.file_identity()

    network.start(one, two, database)

    assert database.file_identity() == before


def test_database_nodes_follow_and_restart_one_at_a_time(
    network: Network,
) -> None:
    one, two = network.servers(2)
    databases = [network.database("db-1", []), network.database("db-2", ["http://localhost:1"])]
    network.start(one, two, *databases)
    assert [[start.servers for start in node.starts] for node in databases] == [[[one.url, two.url]]] * 2

    three = network.newcomer("fed-3", one)
    network.start(three)
    network.wait_in_sync(*network.nodes)

    full = [node.url for node in (one, two, three)]
    assert [node.servers for node in network.nodes] == [full] * 5
    assert [len(node.starts) for node in network.nodes] == [2, 2, 2, 2, 1]
    assert overlapping(databases) == []


def test_a_database_node_never_leads_and_is_never_listed(network: Network) -> None:
    (one,) = network.servers(1)
    database = network.database("db-1", ["http://localhost:1"])
    database.start()
    reason = database.wait_for_phase("waiting")["reason"]
    network.wait(lambda: database.status.get("lease_alive"), "its lease is alive")
    assert "waiting" in reason
    assert network.etcd.all("leader/") == {}
    assert not network.canonical
    assert database.starts == []

    network.start(one)
    network.wait_in_sync(database)
    one.stop()

    network.wait(lambda: network.report(one) is None, "fed-1 is gone")
    assert network.etcd.all("leader/") == {}
    assert network.canonical["FederatedServers"] == [one.url]
    assert [member["role"] for member in network.cli("members", "--json").document] == [
        "federated",
        "database",
    ]


def test_the_role_can_be_set_for_any_file_name(network: Network) -> None:
    (one,) = network.servers(1)
    database = network.node("db-1", None, [], file="settings.json")
    network.start(one)

    database.start("--role", "database", "--file", "settings.json")

    network.wait_in_sync(database)
    assert database.servers == [one.url]
