"""Operators' commands: for admission and for the rollout."""

from __future__ import annotations

from tests.kit.network import Network


def test_operators_admit_a_newcomer_and_control_the_rollout(network: Network) -> None:
    one, two, three = network.servers(3)
    network.start(one, two, three)
    assert network.cli("policy", "set", "admission=manual").code == 0
    newcomer = network.newcomer("fed-4", one)
    newcomer.start()
    assert "`sidecar approve fed-4` lets it in" in newcomer.wait_for_reason("waits for an operator")["reason"]

    assert network.cli("rollout", "pause", "--reason", "the backup runs").code == 0
    answer = network.cli("approve", "fed-4", "--reason", "rack 7")

    assert answer.out == f"{newcomer.url} is in; version 2 has 4 servers\n"
    assert "the backup runs" in one.wait_for_phase("restart-pending")["reason"]
    assert network.cli("pause", "fed-2", "--reason", "its disk").code == 0
    answer = network.cli("rollout", "resume")
    assert (answer.code, answer.out) == (0, "the rollout continues\n")
    network.wait_in_sync(one, three, newcomer)
    assert "its disk" in two.wait_for_phase("restart-pending")["reason"]
    assert [len(node.starts) for node in (one, two, three)] == [2, 1, 2]
    assert network.cli("resume", "fed-2").code == 0
    network.wait_in_sync(*network.nodes)
    (cause,) = network.canonical["cause"]
    assert (cause["kind"], cause["node_id"], cause["reason"]) == ("join", "fed-4", "rack 7")


def test_a_refused_newcomer_learns_which_operator_refused_and_why(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    assert network.cli("policy", "set", "admission=manual").code == 0
    newcomer = network.newcomer("fed-3", one)
    newcomer.start()
    newcomer.wait_for_reason("waits for an operator")

    answer = network.cli("refuse", "fed-3", "--reason", "a test machine")

    assert (answer.code, answer.out) == (0, "refused fed-3\n")
    assert newcomer.wait_for_phase("refused")["reason"].endswith("refused it: a test machine")
    assert network.version == 1
    again = network.cli("refuse", "fed-3")
    assert again.code == 77
    assert "cannot refuse fed-3: no node called fed-3 has asked to join" in again.err


def test_a_token_admits_a_newcomer_until_it_is_revoked(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    assert network.cli("policy", "set", "admission=token").code == 0
    created = network.cli("token", "create", "--ttl", "1h", "--uses", "2")
    assert created.err == ""
    file = network.folder / "join.token"
    file.write_text(created.out)
    file.chmod(0o600)
    three = network.newcomer("fed-3", one)
    three.defaults += ("--join-token-file", str(file))

    network.start(three)
    network.wait_in_sync(one, two, three)

    (token,) = network.cli("token", "list", "--json").document
    assert (token["uses_left"], token["why_unusable"]) == (1, None)
    assert network.cli("token", "revoke", token["id"]).code == 0
    four = network.newcomer("fed-4", one)
    four.defaults += ("--join-token-file", str(file))
    four.start()
    assert f"there is no join token {token['id']}" in four.wait_for_phase("refused")["reason"]
