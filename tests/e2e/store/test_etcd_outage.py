"""Without etcd nothing is stopped or restarted, and a boot uses the last-known-good list."""

from __future__ import annotations

import json
import os
import shutil
import signal

from tests.e2e.rollouts.test_restart_grants import let_start, stuck_rollout
from tests.kit.etcd.servers import EtcdServer
from tests.kit.network import Network
from tests.kit.node import Node
from tests.kit.processes import is_alive


def wait_for_lease_loss(*nodes: Node) -> None:
    for node in nodes:
        node.wait_for_lease_loss()


def test_an_outage_restarts_nothing_and_the_network_catches_up(
    own_network: Network, own_etcd: EtcdServer
) -> None:
    network = own_network
    one, two, three = network.servers(3)
    database = network.database("db-1", [])
    network.start(one, two, three, database)
    pids = [node.status["pid"] for node in network.nodes]

    own_etcd.kill()
    wait_for_lease_loss(*network.nodes)

    assert [node.status["pid"] for node in network.nodes] == pids
    assert [node.status["leading"] for node in network.nodes] == [False] * 4
    assert one.get("/livez")[0] == 200
    code, body = one.get("/readyz")
    assert code == 503
    assert json.loads(body)["reasons"] == ["its lease in etcd is not alive"]
    # What needs no etcd continues: a killed process is started again, an edit is reverted.
    two.edit(FederatedServers=["http://localhost:1"])
    network.wait(lambda: two.servers == one.servers, "the edit is reverted")
    os.kill(pids[1], signal.SIGKILL)
    network.wait(lambda: len(two.events("listening")) == 2, "the killed process is started again")

    own_etcd.start()
    network.wait_in_sync(*network.nodes)
    assert [len(node.starts) for node in network.nodes] == [1, 2, 1, 1]
    network.start(network.newcomer("fed-4", three))
    network.wait_in_sync(*network.nodes)
    assert [len(node.starts) for node in network.nodes] == [2, 3, 2, 2, 1]
    assert network.version == 2


def test_an_etcd_that_hangs_is_treated_as_unreachable(own_network: Network, own_etcd: EtcdServer) -> None:
    network = own_network
    one, two = network.servers(2)
    for node in (one, two):
        node.defaults += ("--lease-ttl", "2")
    network.start(one, two)

    own_etcd.suspend()
    wait_for_lease_loss(one, two)
    assert [node.status["leading"] for node in (one, two)] == [False, False]
    own_etcd.resume()

    network.wait_in_sync(one, two)
    network.wait(lambda: one.status.get("leading") or two.status.get("leading"), "there is a leader again")
    assert [len(node.starts) for node in (one, two)] == [1, 1]


def test_a_boot_without_etcd_uses_the_last_known_good_list(
    own_network: Network, own_etcd: EtcdServer
) -> None:
    network = own_network
    one, two = network.servers(2)
    network.start(one, two)
    for node in (one, two):
        node.stop()
    own_etcd.kill()
    before = one.file_identity()

    one.start()
    network.wait(lambda: len(one.events("listening")) == 2, "it starts without etcd")

    assert one.file_identity() == before
    assert one.get("/startupz")[0] == 200
    assert one.get("/readyz")[0] == 503
    own_etcd.start()
    network.wait_in_sync(one)
    assert len(one.starts) == 2


def test_a_boot_without_etcd_reverts_a_file_that_differs(own_network: Network, own_etcd: EtcdServer) -> None:
    network = own_network
    one, two = network.servers(2)
    network.start(one, two)
    two.stop()
    one.stop()
    own_etcd.kill()
    two.edit(FederatedServers=[two.url, "http://localhost:1"])

    two.start()
    network.wait(lambda: len(two.starts) == 2, "it starts without etcd")

    assert [start.servers for start in two.starts] == [[one.url, two.url]] * 2
    assert two.servers == [one.url, two.url]
    assert len(two.rejected) == 1


def test_a_first_boot_without_etcd_waits_with_a_reason(own_network: Network, own_etcd: EtcdServer) -> None:
    network = own_network
    (one,) = network.servers(1)
    own_etcd.kill()

    one.start()
    status = one.wait_for_reason("no last-known-good list to start from; waiting for etcd")

    assert one.logged("etcd does not answer")
    assert status["phase"] == "waiting"
    assert one.get("/startupz")[0] == 503
    assert one.starts == []
    own_etcd.start()
    network.wait_in_sync(one)
    assert len(one.starts) == 1


def test_a_damaged_last_known_good_list_is_ignored(own_network: Network, own_etcd: EtcdServer) -> None:
    network = own_network
    (one,) = network.servers(1)
    network.start(one)
    one.stop()
    own_etcd.kill()
    good = one.folder / ".sidecar" / "last-known-good.json"
    good.write_text(good.read_text().replace(str(one.url), "http://localhost:1"))

    one.start()

    one.wait_for_reason("no last-known-good list")
    assert one.logged("last-known-good list ignored")
    assert len(one.starts) == 1


def test_missed_changes_are_applied_at_boot_before_the_start(
    network: Network,
) -> None:
    one, two, three = network.servers(3)
    network.start(one, two, three)
    three.stop()
    network.start(network.newcomer("fed-4", one))
    network.start(network.newcomer("fed-5", one))
    assert network.cli("remove", "fed-4").code == 0

    network.start(three)
    network.wait_in_sync(one, two, three)

    expected = [one.url, two.url, three.url, network.nodes[4].url]
    assert three.servers == expected
    assert [start.servers for start in three.starts] == [[one.url, two.url, three.url], expected]


def test_an_emptied_etcd_gets_the_list_back_without_restarts(
    own_network: Network, own_etcd: EtcdServer
) -> None:
    network = own_network
    one, two, three = network.servers(3)
    network.start(one, two)
    network.start(network.newcomer("fed-4", one))
    three.start()
    network.wait_in_sync(*network.nodes)
    servers, before = one.servers, [len(node.starts) for node in network.nodes]

    own_etcd.kill()
    shutil.rmtree(own_etcd.folder / "etcd.data")
    own_etcd.start()

    network.wait_in_sync(*network.nodes, servers=servers)
    assert [len(node.starts) for node in network.nodes] == before
    assert network.version > 1


def test_a_restart_that_is_due_waits_for_etcd(own_network: Network, own_etcd: EtcdServer) -> None:
    rollout = stuck_rollout(own_network)
    waiting = rollout.waiting
    pid = waiting.status["pid"]

    own_etcd.kill()
    wait_for_lease_loss(waiting, rollout.stuck)
    let_start(rollout.stuck)  # its grant would be returned if etcd answered
    own_network.wait(lambda: rollout.stuck.status.get("healthy"), "the stuck node is healthy")

    status = waiting.status
    assert status["phase"] == "restart-pending"
    assert status["reason"] == "etcd does not answer; nothing is restarted without it"
    assert status["pid"] == pid
    assert is_alive(pid)
    own_etcd.start()
    own_network.wait_in_sync(*own_network.nodes)
    assert len(waiting.starts) == 2
