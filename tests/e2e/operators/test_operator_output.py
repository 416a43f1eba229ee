"""What operators see of a change before, during and after it, on a live network."""

from __future__ import annotations

from sidecar.domain.records.encoding import encode
from sidecar.domain.records.policy import Admission, OnFailure, Policy, RolloutPolicy
from tests.kit.network import Network


def put_policy(network: Network, policy: Policy) -> None:
    network.etcd.put("shared/policy", encode(policy).decode())


def test_the_rollout_follows_the_plan(network: Network) -> None:
    servers = network.servers(3)
    database = network.database("db-1", [])
    network.start(*servers, database)
    newcomer = network.newcomer("fed-4", servers[0])

    plan = network.cli("plan", "join", str(newcomer.url), "--node-id", "fed-4", "--json").document
    newcomer.start()
    waited = network.cli("wait", "--version", "2", "--timeout", "40")

    assert waited.code == 0, waited.err
    assert waited.out == "5 nodes run on version 2 or a later one\n"
    members = [*servers, database]
    assert [len(node.starts) for node in members] == [2] * 4
    order = sorted(members, key=lambda node: node.starts[-1].at)
    assert plan["restart_waves"] == [[node.id] for node in order]
    assert plan["FederatedServers"] == network.canonical["FederatedServers"]
    versions = network.cli("history", "--json").document
    assert [(each["version"], each["current"]) for each in versions] == [(2, True), (1, False)]
    assert f"+{newcomer.url}  fed-4\n" in network.cli("diff", "1").out


def test_a_newcomer_awaiting_approval_is_pending_and_no_member(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    put_policy(network, Policy(Admission.MANUAL))
    newcomer = network.newcomer("fed-4", one)
    newcomer.start()
    newcomer.wait_for_reason("waits for an operator")

    (pending,) = network.cli("pending", "--json").document

    assert (pending["node_id"], pending["url"], pending["waiting_for"]) == ("fed-4", newcomer.url, "approval")
    assert [each["node_id"] for each in network.cli("members", "--json").document] == ["fed-1"]
    assert "fed-4" in network.cli("members").out


def test_wait_ends_for_a_version_that_was_rolled_back(network: Network) -> None:
    servers = network.servers(3)
    network.start(*servers)
    network.wait(lambda: network.etcd.get("rollout/last-healthy"), "a list that every node was healthy on")
    put_policy(network, Policy(rollout=RolloutPolicy(on_failure=OnFailure.ROLLBACK)))
    newcomer = network.newcomer("fed-4", servers[0])
    for node in servers:
        node.configure_app(crash_on=newcomer.url or "")
    newcomer.start()

    waited = network.cli("wait", "--version", "2", "--timeout", "40")

    assert waited.code == 77, waited.err
    assert "version 2 is quarantined" in waited.err
    network.wait_in_sync(*servers)
    assert network.cli("wait", "--timeout", "40").code == 0
