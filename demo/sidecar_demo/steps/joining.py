"""The network comes up, and grows."""

from __future__ import annotations

from sidecar.domain.errors import ExitCode
from sidecar.domain.identity import Role
from sidecar_demo.checks import first_failure
from sidecar_demo.conditions import (
    files_hold,
    files_unchanged,
    holds,
    in_step,
    is_leader,
    log_contains,
    phase_is,
    process_is_down,
    start_counts_match,
)
from sidecar_demo.network import DemoNetwork, FileStamp
from sidecar_demo.steps.propagation import Moment, everyone_gets
from sidecar_demo.steps.step import Step


def _in_step(network: DemoNetwork) -> None:
    network.expected_servers = network.urls("fed-1", "fed-2", "fed-3")
    nodes = [
        network.add_node(name, Role.FEDERATED, network.expected_servers)
        for name in ("fed-1", "fed-2", "fed-3")
    ]
    stamps = {node.name: FileStamp.of(node.file) for node in nodes}
    node_names = [node.name for node in nodes]
    began = network.checks.clock()
    network.announce("start fed-1: first its sidecar, which starts the process")
    network.start(nodes[0])
    network.checks.wait(
        "fed-1 is leader, and its list is the network's",
        lambda: first_failure((is_leader(nodes[0])(), in_step(nodes[:1], network.expected_servers)())),
        "fed-1",
        since=began,
    )
    network.announce("start fed-2 and fed-3")
    network.start(*nodes[1:])
    network.checks.wait(
        "all three run with the list of their files",
        in_step(nodes, network.expected_servers),
        *node_names,
        since=began,
    )
    network.checks.expect(
        "no file was written: same inode, same modification time", files_unchanged(nodes, stamps), *node_names
    )
    network.checks.expect(
        "each process was started exactly once",
        start_counts_match(nodes, network.expected_starts),
        *node_names,
    )


def _database(network: DemoNetwork) -> None:
    node = network.add_node("db-1", Role.DATABASE, network.urls("fed-1"))
    others = node.other_keys()
    began = network.checks.clock()
    network.announce("start db-1")
    network.start(node)
    network.checks.wait(
        "its config.json has the three servers",
        files_hold([node], network.expected_servers),
        "db-1",
        since=began,
    )
    network.checks.wait(
        "its process runs with them", in_step([node], network.expected_servers), "db-1", since=began
    )
    network.checks.expect(
        "every other key of the file is unchanged",
        holds(node.other_keys() == others, "they changed"),
        "db-1",
    )
    stamp = {node.name: FileStamp.of(node.file)}
    network.announce("restart its sidecar: the list has not changed")
    node.stop()
    began = network.checks.clock()
    network.start(node)
    network.checks.wait(
        "its process runs again", in_step([node], network.expected_servers), "db-1", since=began
    )
    network.checks.expect("nothing was written", files_unchanged([node], stamp), "db-1")
    network.checks.expect(
        "one start of the sidecar, one start of the process",
        start_counts_match([node], network.expected_starts),
        "db-1",
    )


def _join(network: DemoNetwork) -> None:
    reloading = network.members
    fed_4 = network.add_node("fed-4", Role.FEDERATED, network.urls("fed-1", "fed-4"))
    network.expected_servers = (*network.expected_servers, fed_4.url)
    network.announce("start fed-4")
    since = Moment.now(network)
    network.start(fed_4)
    everyone_gets(network, since, reloading, "four servers, in that order")
    incarnations = fed_4.incarnations()
    network.checks.expect(
        "fed-4's process was started once, and loaded the whole list",
        holds(
            len(incarnations) == 1 and incarnations[0].servers == network.expected_servers,
            f"its incarnations: {incarnations}",
        ),
        "fed-4",
    )


def _refused_server(network: DemoNetwork) -> None:
    node = network.add_node("stranger", Role.FEDERATED, (network.url("stranger"), "http://localhost:6666"))
    stamp = {node.name: FileStamp.of(node.file)}
    network.announce("start the stranger")
    began = network.checks.clock()
    node.start()
    network.checks.wait("it is refused", phase_is(node, "refused"), "stranger", "fed-1", since=began)
    network.checks.expect(
        "its log says why", log_contains(node, "names no server of this network"), "stranger"
    )
    network.checks.expect(
        "its process was not started", start_counts_match([node], network.expected_starts), "stranger"
    )
    network.checks.expect("its file is untouched", files_unchanged([node], stamp), "stranger")
    network.checks.expect(
        "no other node was affected", files_hold(network.members, network.expected_servers), "fed-1"
    )
    code = node.stop()
    network.checks.expect(
        f"its sidecar exits with {int(ExitCode.REFUSED)} (refused)",
        holds(code == ExitCode.REFUSED, f"it ended with {code}"),
        "stranger",
    )
    network.checks.expect("and nothing answers on its port", process_is_down(node), "stranger")


IN_STEP = Step(
    "Three servers with the same list",
    "Their files already agree: nothing is written.",
    _in_step,
)
DATABASE = Step(
    "A database node",
    "Its file names only fed-1. It gets the list before its process starts.",
    _database,
)
JOIN = Step(
    "fed-4 joins",
    "Its file names fed-1 and itself. The leader adds it; all restart in turn.",
    _join,
)
REFUSED_SERVER = Step(
    "A stranger is refused",
    "Its file names itself and an unknown server.",
    _refused_server,
)
