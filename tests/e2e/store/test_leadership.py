"""The leader: it stays, it is succeeded, and an old leader that comes back writes nothing."""

from __future__ import annotations

import os
import signal
import time

from tests.kit.network import Network
from tests.kit.node import Node

TTL = 2.0
MAX_SUCCESSIONS = 6
"""On a busy machine a succession may be late; one of this many has to be in time."""


def wait_for_leader(network: Network) -> Node:
    return network.wait(lambda: network.leader, "there is a leader")


def wait_for_successor(network: Network, *before: Node) -> Node:
    """Wait until another node leads, and its status says so."""

    def found() -> Node | None:
        leader = network.leader
        return leader if leader and leader not in before and leader.status.get("leading") else None

    names = ", ".join(node.id for node in before)
    return network.wait(found, f"a leader other than {names}")


def terms(network: Network) -> list[tuple[str, int]]:
    """The author and the term of each canonical version."""
    found = [stored.document for stored in network.etcd.all("history/").values()]
    return [(document["author"], document["term"]) for document in sorted(found, key=lambda d: d["version"])]


def test_the_leader_stays_through_joins_restarts_and_crashes_of_others(network: Network) -> None:
    one, two, three = network.servers(3)
    network.start(one)
    network.start(two, three)
    term = network.cli("leader", "--json").document
    assert term["node_id"] == "fed-1"

    network.start(network.newcomer("fed-4", two))
    network.wait_in_sync(*network.nodes)
    two.kill()
    three.stop()
    network.start(two, three)

    assert network.cli("leader", "--json").document == term
    assert len(one.logged("elected as leader")) == 1


def test_a_killed_leader_is_succeeded_within_the_lease_ttl(network: Network) -> None:
    nodes = network.servers(1 + MAX_SUCCESSIONS)
    for node in nodes:
        node.defaults += ("--lease-ttl", f"{TTL:g}")
    network.start(*nodes)
    took = list[float]()
    dead = list[Node]()

    while not took or (took[-1] > TTL + 1 and len(took) < MAX_SUCCESSIONS):
        dead.append(wait_for_leader(network))
        dead[-1].kill()
        died = time.monotonic()
        leader = wait_for_successor(network, *dead)
        took.append(time.monotonic() - died)

    assert min(took) <= TTL + 1, took
    network.start(dead[0])
    network.wait_in_sync(leader, dead[0])
    assert all(len(node.starts) == 1 for node in nodes)
    # It also acts as the leader.
    assert network.cli("remove", dead[-1].id).code == 0
    assert terms(network)[-1] == (leader.id, network.cli("leader", "--json").document["term"])


def test_a_terminated_leader_is_succeeded_at_once(network: Network) -> None:
    nodes = network.servers(3)
    for node in nodes:
        node.defaults += ("--lease-ttl", "600")
    network.start(*nodes)
    old = wait_for_leader(network)
    # The process may stop slowly; the leadership does not wait for it.
    old.sidecar.send_signal(signal.SIGTERM)

    wait_for_successor(network, old)

    old.wait_for_exit()
    assert network.report(old) is None
    assert len(network.etcd.all("leader/")) == 2


def test_leadership_is_handed_over_before_the_process_stops(network: Network) -> None:
    one, two = network.servers(2)
    one.configure_app(ignores_sigterm=1)
    one.defaults += ("--stop-timeout", "600")
    network.start(one)
    network.start(two)

    one.signal(signal.SIGTERM)
    wait_for_successor(network, one)

    assert one.sidecar.poll() is None
    assert len(one.starts) == 1
    os.kill(one.starts[-1].pid, signal.SIGKILL)
    one.wait_for_exit()


def test_a_leader_frozen_beyond_its_lease_writes_nothing(network: Network) -> None:
    one, two, three = network.servers(3)
    # The successor has a long lease, so that it stays the leader while it is frozen, too.
    for node, ttl in ((one, "5"), (two, "60"), (three, "60")):
        node.defaults += ("--lease-ttl", ttl)
    network.start(one)
    network.start(two, three)
    old = wait_for_leader(network)
    assert old is one

    old.freeze()
    new = wait_for_successor(network, old)
    new.freeze()
    # Work for a node that believes it leads; the real leader is frozen.
    assert network.cli("remove", "fed-3" if new is two else "fed-2", "--no-wait").code == 0
    revision = network.etcd.revision()
    old.thaw()
    network.wait(lambda: old.logged("leadership ended"), "the old leader knows that it does not lead")
    network.wait(lambda: old.status.get("lease_alive"), "the old leader has a new lease")
    network.wait(lambda: network.report(old), "the old leader reports again")

    written = {name: stored for name, stored in network.etcd.all().items() if stored.modified > revision}
    assert {name.partition("/")[0] for name in written} <= {"report", "leader"}, written
    new.thaw()
    network.wait(lambda: network.version == 2, "the real leader does the work")
    assert terms(network)[-1][0] == new.id
    rest = [one, new]
    network.wait_in_sync(*rest, servers=[str(node.url) for node in network.nodes if node in rest])


def test_a_leader_with_a_revoked_lease_is_succeeded(
    network: Network,
) -> None:
    nodes = network.servers(3)
    network.start(*nodes)
    old = wait_for_leader(network)
    (key,) = [
        stored for stored in network.etcd.all("leader/").values() if stored.document["node_id"] == old.id
    ]

    network.etcd.revoke(key.lease)

    new = wait_for_successor(network, old)
    network.start(network.newcomer("fed-4", new))
    network.wait_in_sync(*network.nodes)
    first, second = terms(network)
    assert first[0] == old.id
    assert second[0] == new.id
    assert second[1] > first[1]
