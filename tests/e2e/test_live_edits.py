"""Edits while everything runs: the list is the network's, the rest is its owner's."""

from __future__ import annotations

import time

from tests.e2e.network import Network
from tests.e2e.node import Node
from tests.e2e.waiting import wait_until

AT_ONCE = 1.0
"""Seconds within which an edit is put back."""

CALM = 3
"""Of that many attempts one must be within `AT_ONCE`: on a machine at its limit the others may be late."""


def put_back(node: Node, edit: str) -> float:
    """Replace the file's text by ``edit``; how long it took until it was what it was before."""
    true = node.file.read_text()
    began = time.monotonic()
    node.file.write_text(edit)
    wait_until(lambda: node.file.read_text() == true, f"the edit of {node.id} is put back")
    return time.monotonic() - began


def test_an_edit_of_the_list_is_put_back_within_a_second_without_a_restart(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    text = two.file.read_text()

    took = list[float]()
    while not took or (took[-1] >= AT_ONCE and len(took) < CALM):
        took.append(put_back(two, text.replace(str(one.url), f"http://localhost:{1 + len(took)}")))

    assert min(took) < AT_ONCE, took
    assert len(two.rejected) == len(took)
    assert [line["kept"] for line in two.logged("an unauthorised edit was rejected")] == [
        str(diff) for diff in two.rejected
    ]
    network.in_step(one, two)
    assert [len(node.starts) for node in (one, two)] == [1, 1]
    assert network.version == 1


def test_an_edit_that_replaces_the_file_as_editors_do_is_put_back(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    true = one.file.read_text()
    beside = one.folder / "federated.json.swp"
    beside.write_text(true.replace(str(one.url), "http://localhost:1"))

    beside.replace(one.file)

    network.wait(lambda: one.file.read_text() == true, "the edit is put back")
    assert len(one.starts) == 1


def test_edits_of_other_keys_are_the_owners(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)

    two.edit(Comment="mine", FederatedServers=[*two.servers, "http://localhost:1"])
    network.wait(lambda: two.servers == one.servers, "the list is put back")
    assert '"Comment": "mine"' in two.file.read_text()

    two.edit(Comment="mine too")
    edited = two.identity_of_file()
    # Whatever the sidecar did about it, it did by the time that it reverts a later edit of another file.
    put_back(one, one.file.read_text().replace(str(one.url), "http://localhost:1"))
    put_back(one, one.file.read_text().replace(str(two.url), "http://localhost:1"))
    assert two.identity_of_file() == edited
    assert [len(node.starts) for node in (one, two)] == [1, 1]


NO_LISTS = ('"http://localhost:1"', "[1, null]", "[]", "null", "{}")


def test_a_nodeid_that_is_edited_is_told_to_count_later(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    one.edit(NodeID="other")

    (line,) = network.wait(
        lambda: one.logged("the NodeID in the file was edited; it counts when this sidecar is started again"),
        "the edit is told",
    )
    assert (line["NodeID"], line["now"]) == ("other", one.id)
    assert one.status["node_id"] == one.id
    assert len(one.starts) == 1


def test_a_list_that_is_no_list_any_more_is_put_back(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    before, _, after = one.file.read_text().partition('"FederatedServers"')
    rest = after.partition("]")[2]
    edits = [f'"FederatedServers": {no_list}' for no_list in NO_LISTS] + ['"Left": "out"']

    for number, edit in enumerate(edits, start=1):
        one.file.write_text(f"{before}{edit}{rest}")
        network.wait(
            lambda: str(one.url) in one.file.read_text() and one.servers == [one.url], f"put back: {edit}"
        )
        assert len(one.rejected) == number

    assert '"Left": "out"' in one.file.read_text()
    assert len(one.starts) == 1
    network.in_step(one)


def test_a_file_that_is_no_json_any_more_is_left_alone_and_reported_until_it_is_mended(
    network: Network,
) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    true = two.file.read_text()
    broken = true.replace('"NodeID"', "NodeID")

    two.file.write_text(broken)

    status = two.tells("federated.json:")
    assert status["phase"] == "running"
    (line,) = two.logged("the file cannot be used")
    assert "federated.json:" in str(line)
    assert two.file.read_text() == broken
    assert len(two.starts) == 1

    two.file.write_text(true)
    network.in_step(one, two)
    network.wait(lambda: two.status.get("reason") == "in step", "it is in step again")
    assert len(two.starts) == 1


def test_a_file_that_is_deleted_is_reported_and_nothing_is_restarted(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    true = two.file.read_text()

    two.file.unlink()

    two.tells("does not exist")
    assert len(two.starts) == 1
    two.file.write_text(true)
    network.wait(lambda: two.status.get("reason") == "in step", "it is in step again")
    assert len(two.starts) == 1
