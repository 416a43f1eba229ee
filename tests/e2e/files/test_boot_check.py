"""A list that was edited while its server was down is reverted before the start."""

from __future__ import annotations

from tests.kit.network import Network
from tests.kit.node import Node


def server_added(network: Network, node: Node) -> list[str]:
    return [*node.servers, f"http://localhost:{network.port()}"]


def server_removed(network: Network, node: Node) -> list[str]:
    return [url for url in node.servers if url != network.nodes[0].url]


def own_server_removed(network: Network, node: Node) -> list[str]:
    return [url for url in node.servers if url != node.url]


def one_other_server_left(network: Network, node: Node) -> list[str]:
    return [str(network.nodes[0].url)]


def order_changed(network: Network, node: Node) -> list[str]:
    return node.servers[::-1]


FORGERIES = (server_added, server_removed, own_server_removed, one_other_server_left, order_changed)


def test_a_forged_list_is_reverted_before_the_start_and_saved(network: Network) -> None:
    one, two, three = network.servers(3)
    network.start(one, two, three)
    true = three.servers

    for number, forgery in enumerate(FORGERIES, start=1):
        three.stop()
        three.edit(FederatedServers=forgery(network, three), Note=f"kept {number}")
        forged = three.file.read_text()

        network.start(three)

        assert three.servers == true, forgery.__name__
        assert f'"Note": "kept {number}"' in three.file.read_text()
        assert [start.servers for start in three.starts] == [true] * (number + 1), forgery.__name__
        diff = three.rejected[-1]
        assert len(three.rejected) == number
        assert diff.with_suffix("").read_text() == forged
        assert diff.read_text().startswith(
            "--- federated.json (rejected)\n+++ federated.json (canonical)\n@@"
        )
        assert three.logged("unauthorised edit rejected")[-1]["kept"] == str(diff)
    assert [len(node.starts) for node in (one, two)] == [1, 1]
    assert network.version == 1


def test_the_leaders_own_forged_file_is_reverted_too(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one)
    network.start(two)
    assert network.leader is one
    true = one.servers
    one.stop()
    two.stop()
    network.wait(lambda: network.leader is None, "there is no leader")
    one.edit(FederatedServers=[*true, "http://localhost:1"])

    network.start(one)  # alone: it leads, and no other node has the list

    assert network.leader is one
    assert one.servers == true
    assert [start.servers for start in one.starts] == [true, true]
    assert len(one.rejected) == 1
    assert network.version == 1


def test_a_database_nodes_forged_file_is_reverted_before_the_start(network: Network) -> None:
    (one,) = network.servers(1)
    database = network.database("db-1", [str(one.url)])
    network.start(one, database)
    database.stop()
    database.edit(FederatedServers=["http://localhost:1"])

    network.start(database)

    assert [start.servers for start in database.starts] == [[one.url], [one.url]]
    assert len(database.rejected) == 1


def test_invalid_json_at_boot_is_located_and_nothing_is_started(
    network: Network,
) -> None:
    one, two = network.servers(2)
    network.start(one)
    two.file.write_text('{\n  "Port": ,\n}\n')

    two.start()

    assert two.wait_for_exit() == 65
    assert f"{two.file}:2:" in two.log_text() or "federated.json:2:" in two.log_text()
    assert two.starts == []
    assert two.file.read_text() == '{\n  "Port": ,\n}\n'
