"""The boot check alone: `sidecar gate`, and the file it leaves behind."""

from __future__ import annotations

import json

from tests.kit.commands import CommandResult
from tests.kit.network import Network
from tests.kit.node import Node


def gate(network: Network, node: Node, *options: str) -> CommandResult:
    return network.cli("gate", "--file", str(node.file), *options)


def test_the_first_gate_publishes_and_the_others_follow(network: Network) -> None:
    one, two = network.servers(2)
    database = network.database("db-1", [str(one.url)])

    codes = [gate(network, node).code for node in (one, two, database)]

    assert codes == [0, 0, 0]
    assert network.canonical["FederatedServers"] == one.servers == database.servers
    network.wait(lambda: network.leader is None, "the gate releases the leadership")


def test_a_forged_file_is_reverted_and_saved(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    two.stop()
    true = two.servers
    two.edit(FederatedServers=[*true, "http://localhost:6666"])

    answer = gate(network, two)

    assert answer.code == 0
    assert two.servers == true
    assert len(two.rejected) == 1
    assert len(two.starts) == 1


def test_a_newcomer_is_let_in_before_it_is_started(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    newcomer = network.newcomer("fed-3", one)

    answer = gate(network, newcomer)

    assert answer.code == 0
    assert newcomer.servers == [one.url, two.url, newcomer.url]
    assert not newcomer.starts


def test_a_removed_node_fails_the_gate(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    assert network.cli("remove", two.id).code == 0
    two.wait_for_phase("removed")
    two.stop()

    answer = gate(network, two)

    assert answer.code == 77
    assert "removed" in answer.err
    assert "Traceback" not in answer.err


def test_without_etcd_only_the_last_known_good_list_passes(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    two.stop()
    true = two.servers
    two.edit(FederatedServers=[str(two.url)])
    nowhere = ("--etcd", f"http://127.0.0.1:{network.port()}")

    known = network.run("gate", "--file", str(two.file), *nowhere)
    never = network.newcomer("fed-3", one)
    unknown = network.run("gate", "--file", str(never.file), *nowhere, "--timeout", "3")

    assert (known.code, two.servers) == (0, true)
    assert unknown.code == 69
    assert "could not be checked within 3 s" in unknown.err
    assert "waiting for etcd" in unknown.err


def test_the_gate_fails_while_a_sidecar_uses_the_file(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)

    answer = gate(network, one)

    assert answer.code == 78
    assert "another sidecar uses this folder" in answer.err


def test_a_missing_file_is_created_from_the_seed(network: Network) -> None:
    (one,) = network.servers(1)
    seed = one.folder / "seed.json"
    one.file.rename(seed)

    answer = gate(network, one, "--seed", str(seed))
    one.edit(Note="mine")
    again = gate(network, one, "--seed", str(seed))

    assert (answer.code, again.code) == (0, 0)
    assert json.loads(one.file.read_text()) == json.loads(seed.read_text()) | {"Note": "mine"}


def test_an_invalid_seed_is_reported(network: Network) -> None:
    (one,) = network.servers(1)
    seed = one.folder / "seed.json"
    one.file.rename(seed)
    seed.write_text("{}")

    answer = gate(network, one, "--seed", str(seed))

    assert answer.code == 65
    assert f"{seed}:1:1: " in answer.err
    assert not one.file.exists()


def test_health_asks_the_sidecar_of_this_machine(network: Network) -> None:
    (one,) = network.servers(1)
    admin = one.admin
    before = network.run("health", "--admin", admin)
    one.configure_app(startup_time=0.1)
    network.start(one)

    asked = {name: network.run("health", "--admin", admin, name) for name in ("livez", "readyz", "startupz")}

    assert before.code == 1
    assert "no answer from" in before.out
    assert {name: (answer.code, answer.out) for name, answer in asked.items()} == {
        name: (0, f"{name}: yes\n") for name in asked
    }
