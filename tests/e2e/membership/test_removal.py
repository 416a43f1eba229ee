"""Servers that are removed, stay out, and are readmitted."""

from __future__ import annotations

from tests.kit.network import Network
from tests.kit.processes import is_alive


def test_a_removed_server_stays_out_until_it_is_readmitted(
    network: Network,
) -> None:
    one, two, three = network.servers(3)
    network.start(one, two, three)

    answer = network.cli("remove", "fed-3", "--reason", "its disk is dying")

    assert answer.code == 0, answer.err
    assert answer.out == f"removed fed-3 ({three.url}); version 2 has 2 servers\n"
    network.wait_in_sync(one, two, servers=[str(one.url), str(two.url)])
    assert [len(node.starts) for node in (one, two)] == [2, 2]
    reason = three.wait_for_phase("removed")["reason"]
    assert "its disk is dying" in reason
    assert "`sidecar readmit fed-3`" in reason
    network.wait(lambda: not is_alive(three.starts[-1].pid), "the removed server's process is stopped")
    (tombstone,) = network.cli("removed", "--json").document
    assert (tombstone["node_id"], tombstone["url"], tombstone["reason"]) == (
        "fed-3",
        three.url,
        "its disk is dying",
    )

    for _ in range(2):
        assert three.stop() in (0, 77, 143)
        three.start()
        assert three.wait_for_phase("removed")["reason"] == reason
    assert len(three.starts) == 1
    assert network.version == 2

    answer = network.cli("readmit", "fed-3")

    assert answer.code == 0, answer.err
    network.wait_in_sync(one, two, three, servers=[str(one.url), str(two.url), str(three.url)])
    assert len(three.starts) == 2
    assert network.cli("removed", "--json").document == []


def test_remove_accepts_any_spelling_of_a_url(
    network: Network,
) -> None:
    one, two = network.servers(2)
    two.defaults += ("--on-removed", "leave")
    network.start(one, two)

    answer = network.cli("remove", f"HTTP://LocalHost:{str(two.url).rpartition(':')[2]}/")

    assert answer.code == 0, answer.err
    two.wait_for_phase("removed")
    network.wait_in_sync(one, servers=[str(one.url)])
    assert is_alive(two.starts[-1].pid)
    assert len(two.starts) == 1


def test_a_removed_leader_hands_over_the_leadership(network: Network) -> None:
    nodes = network.servers(3)
    network.start(*nodes)
    old = network.leader
    assert old is not None
    others = [node for node in nodes if node is not old]

    answer = network.cli("remove", old.id)

    assert answer.code == 0, answer.err
    network.wait_in_sync(*others, servers=[str(node.url) for node in others])
    new = network.wait(lambda: network.leader, "there is a leader")
    assert new in others
    old.wait_for_phase("removed")
    assert old.status["leading"] is False
    network.wait(lambda: not is_alive(old.starts[-1].pid), "the removed leader's process is stopped")
    # The new leader acts.
    assert network.cli("readmit", old.id).code == 0
    network.wait_in_sync(*nodes)


def test_the_last_server_cannot_be_removed(network: Network) -> None:
    (only,) = network.servers(1)
    network.start(only)

    answer = network.cli("remove", "fed-1")

    assert answer.code == 77
    assert "is the last server; a network cannot be empty" in answer.err
    assert network.version == 1
    assert len(only.starts) == 1
    assert only.status["phase"] == "running"


def test_a_server_removed_while_down_learns_it_at_boot(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    two.stop()
    network.wait(lambda: network.leader is one and network.report(two) is None, "fed-2 is away")

    assert network.cli("remove", "fed-2").code == 0
    network.wait_in_sync(one, servers=[str(one.url)])
    two.start()

    two.wait_for_phase("removed")
    assert len(two.starts) == 1
    assert two.servers == [one.url, two.url]  # the file of a removed server is its owner's


def test_a_removed_server_cannot_return_under_another_node_id(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    assert network.cli("remove", "fed-2").code == 0
    two.wait_for_phase("removed")
    two.stop()

    two.start("--node-id", "fed-2b")

    two.wait_for_phase("removed")
    assert len(two.starts) == 1
    assert network.canonical["FederatedServers"] == [one.url]


def test_a_non_member_cannot_be_removed_or_readmitted(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)

    unknown, not_removed = network.cli("remove", "fed-7"), network.cli("readmit", "fed-1")

    assert (unknown.code, not_removed.code) == (77, 77)
    assert "no member of this network is called fed-7; see `sidecar members`" in unknown.err
    assert "fed-1 is not removed; see `sidecar removed`" in not_removed.err
    assert network.etcd.all("request/") == {}


def test_removing_a_database_node_leaves_the_list_unchanged(network: Network) -> None:
    (one,) = network.servers(1)
    database = network.database("db-1", [str(one.url)])
    network.start(one, database)

    assert network.cli("remove", "db-1").code == 0

    database.wait_for_phase("removed")
    network.wait(lambda: not is_alive(database.starts[-1].pid), "its process is stopped")
    assert network.canonical["FederatedServers"] == [one.url]
    assert network.cli("readmit", "db-1").code == 0
    network.wait_in_sync(database)
    assert len(database.starts) == 2
    assert len(one.starts) == 1
