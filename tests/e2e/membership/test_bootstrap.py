"""Servers that agree: nothing is written, each process starts once, one of them publishes the list."""

from __future__ import annotations

import json

from tests.kit.network import Network


def test_three_equal_files_stay_untouched_and_each_process_starts_once(network: Network) -> None:
    three = network.sample_nodes()[:3]
    before = [node.file_identity() for node in three]

    network.start(*three)

    assert [node.file_identity() for node in three] == before
    assert [len(node.starts) for node in three] == [1, 1, 1]
    assert [node.rejected for node in three] == [[], [], []]
    canonical = network.canonical
    assert canonical["version"] == 1
    assert canonical["FederatedServers"] == [node.url for node in three]
    assert canonical["cause"][0]["kind"] == "bootstrap"
    assert [json.loads(stored.text)["version"] for stored in network.etcd.all("history/").values()] == [1]


def test_only_the_first_server_publishes_its_list(
    network: Network,
) -> None:
    first, *others = network.servers(3)
    network.start(first)
    published = network.etcd.get("shared/canonical")
    assert published is not None
    assert published.document["author"] == first.id

    network.start(*others)
    for node in (first, *others):
        assert node.stop() == 143  # the process's own exit code: SIGTERM ended it
    network.start(others[0])

    again = network.etcd.get("shared/canonical")
    assert again is not None
    assert (again.modified, again.created) == (published.modified, published.created)


def test_an_existing_list_is_never_overwritten_at_boot(network: Network) -> None:
    one, two, three = network.servers(3)
    network.start(one, two)
    for node in (one, two):
        node.stop()
    published = network.etcd.get("shared/canonical")
    three.edit(FederatedServers=[three.url, one.url, "http://elsewhere:1"])

    network.start(three)

    assert network.etcd.get("shared/canonical") == published
    assert three.servers == [one.url, two.url, three.url]
    assert [start.servers for start in three.starts] == [[one.url, two.url, three.url]]


def test_with_bootstrap_never_a_server_waits_for_a_list(network: Network) -> None:
    careful, bold = network.servers(2)
    careful.start("--bootstrap", "never")

    waiting = careful.wait_for_reason("no canonical list yet; waiting for a federated server to publish one")
    assert (waiting["phase"], waiting["boot_checked"]) == ("waiting", False)
    network.wait(lambda: careful.status.get("lease_alive"), "its lease is alive")
    assert not network.canonical
    assert network.leader is None
    assert careful.starts == []

    bold.start()
    network.wait_in_sync(careful, bold)
    assert network.canonical["author"] == bold.id
    assert len(careful.starts) == 1


def test_simultaneous_starts_publish_one_version_under_one_leader(
    network: Network,
) -> None:
    five = network.servers(5)

    network.start(*five)

    assert network.version == 1
    assert len(network.etcd.all("history/")) == 1
    assert sum(node.status["leading"] for node in five) == 1
    assert [len(node.starts) for node in five] == [1, 1, 1, 1, 1]


def test_an_idle_network_and_a_restarted_sidecar_write_nothing(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    before = two.file_identity()

    two.stop()
    network.start(two)

    assert two.file_identity() == before
    assert len(two.starts) == 2
    assert two.starts[-1].servers == [one.url, two.url]
    assert len(one.starts) == 1
