"""The whole stack of ``compose/``; the tests build on each other, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import pytest

from tests.kit.waiting import wait_until
from tests.platforms.docker.conftest import STACK
from tests.platforms.docker.engine import Container, docker_or_fail
from tests.platforms.docker.stack import STACK_TIMEOUT, Stack

THREE = ["http://fed-1:9000", "http://fed-2:9001", "http://fed-3:9002"]
FOUR = [*THREE, "http://fed-4:9004"]
FORGED = "http://fed-6:6666"
ALSO_FORGED = "http://fed-7:7777"

OLD_NODES = ("fed-1", "fed-2", "fed-3", "db-1")
NODES = (*OLD_NODES, "fed-4")

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    stack = Stack("federation-test")
    stack.down()  # left by a run that was killed
    try:
        yield stack
    finally:
        stack.down()


@pytest.fixture
def stack(running: Stack, request: pytest.FixtureRequest) -> Stack:
    """The stack; a test that fails reports the logs of its containers."""
    request.node.stash[STACK] = running
    return running


def test_up_starts_every_node_on_three_servers(stack: Stack) -> None:
    stack.up()
    stack.wait_in_sync(THREE, *OLD_NODES)
    # Each process was started once, on the checked list.
    assert {node: len(stack.lists_loaded(node)) for node in OLD_NODES} == dict.fromkeys(OLD_NODES, 1)
    assert stack.container("db-1-gate").state["ExitCode"] == 0


def test_up_again_restarts_no_process(stack: Stack) -> None:
    before = {node: stack.served(node) for node in OLD_NODES}
    stack.up()
    gate = stack.container("db-1-gate")
    wait_until(lambda: gate.state["Status"] == "exited", "the gate has exited", STACK_TIMEOUT)
    assert gate.state["ExitCode"] == 0, gate.log
    stack.wait_in_sync(THREE, *OLD_NODES)
    assert {node: stack.served(node) for node in OLD_NODES} == before


def test_every_container_is_hardened(stack: Stack) -> None:
    names = docker_or_fail(
        "ps", "-aq", "--filter", f"label=com.docker.compose.project={stack.project}"
    ).split()
    assert len(names) == 17
    for name in names:
        found = Container(name).inspected
        config, host, service = found["Config"], found["HostConfig"], found["Name"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"]), service
        assert host["Memory"] > 0 or "etcd-data" in service, service
        assert not any("docker.sock" in bind for bind in host["Binds"] or []), service
        if "etcd-data" in service:
            assert [name.removeprefix("CAP_") for name in host["CapAdd"]] == ["CHOWN"]
            assert host["NetworkMode"] == "none"
        else:
            assert (config["User"], host["CapAdd"] or []) == ("10001:10001", []), service
    server = stack.container("fed-1")
    assert "Read-only file system" in server.exec_failing("touch", "/config/federated.json")


def test_every_health_check_passes(stack: Stack) -> None:
    for service in ("etcd-1", "etcd-2", "etcd-3", *OLD_NODES, *(f"{node}-sidecar" for node in OLD_NODES)):
        wait_until(partial(is_healthy, stack.container(service)), f"{service} is healthy", STACK_TIMEOUT)


def is_healthy(container: Container) -> bool:
    return container.health == "healthy"


def test_a_join_restarts_each_process_once(stack: Stack) -> None:
    sidecars = {node: stack.container(f"{node}-sidecar").started_at for node in OLD_NODES}
    stack.up("fed-4", profile="join")
    stack.wait_in_sync(FOUR, *NODES)
    assert {node: len(stack.lists_loaded(node)) for node in NODES} == {
        **dict.fromkeys(OLD_NODES, 2),
        "fed-4": 1,
    }
    now = {node: stack.container(f"{node}-sidecar").started_at for node in OLD_NODES}
    assert now == sidecars, "the sidecars are not restarted"


def test_a_crashed_process_is_started_again(stack: Stack) -> None:
    before = stack.served("fed-3")
    stack.container("fed-3").crash()
    wait_until(
        lambda: stack.served("fed-3").get("startedAt", 0) > before["startedAt"],
        "it serves again",
        STACK_TIMEOUT,
    )
    stack.wait_in_sync(FOUR, *NODES)


def test_an_edit_of_a_running_nodes_file_is_reverted(stack: Stack) -> None:
    before = stack.served("fed-2")
    forge(stack, "fed-2", FORGED)
    wait_until(lambda: stack.listed("fed-2") == FOUR, "the edit is reverted")
    stack.wait_in_sync(FOUR, *NODES)
    assert stack.served("fed-2") == before
    assert any(FORGED in diff.read_text() for diff in stack.rejected("fed-2"))


def test_an_edit_while_the_node_is_down_is_never_loaded(stack: Stack) -> None:
    stack.compose("stop", "fed-2", "fed-2-sidecar")
    forge(stack, "fed-2", ALSO_FORGED)
    stack.up("fed-2")
    stack.wait_in_sync(FOUR, *NODES)
    assert not any(ALSO_FORGED in servers for servers in stack.lists_loaded("fed-2"))
    assert any(ALSO_FORGED in diff.read_text() for diff in stack.rejected("fed-2"))


def forge(stack: Stack, node: str, url: str) -> None:
    """Edit its list in place, as an editor does: replace the last server with ``url``."""
    file = stack.file(node)
    document = json.loads(file.read_text())
    document["FederatedServers"] = [*document["FederatedServers"][:-1], url]
    file.write_text(json.dumps(document, indent=2) + "\n")


def test_a_killed_leader_is_succeeded(stack: Stack) -> None:
    leader = wait_until(stack.leader, "there is a leader")
    status = stack.served(leader)
    sidecar = stack.container(f"{leader}-sidecar")
    docker_or_fail("kill", sidecar.name)
    successor = wait_until(lambda: new_leader(stack, leader), "a new leader", STACK_TIMEOUT)
    assert successor != leader
    assert stack.served(leader) == status, "its process keeps running"

    # The next sidecar adopts the running process.
    stack.up(f"{leader}-sidecar", profile="join")
    stack.wait_in_sync(FOUR, *NODES)
    assert stack.served(leader) == status


def new_leader(stack: Stack, old: str) -> str | None:
    leader = stack.leader()
    return leader if leader != old else None


def test_remove_in_a_sidecars_container_removes_a_server(stack: Stack) -> None:
    before = {node: len(stack.lists_loaded(node)) for node in OLD_NODES}
    output = stack.compose("exec", "-T", "fed-1-sidecar", "sidecar", "remove", "fed-4")
    assert "fed-4" in output
    stack.wait_in_sync(THREE, *OLD_NODES)
    assert {node: len(stack.lists_loaded(node)) for node in OLD_NODES} == {
        node: count + 1 for node, count in before.items()
    }
