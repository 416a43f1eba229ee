"""The whole stack of ``compose/``. One story, in order: each test goes on from the one before."""

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
FORGED_TOO = "http://fed-7:7777"

OLD_NODES = ("fed-1", "fed-2", "fed-3", "db-1")
NODES = (*OLD_NODES, "fed-4")

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    found = Stack("federation-test")
    found.down()  # what a run left behind that was killed
    try:
        yield found
    finally:
        found.down()


@pytest.fixture
def stack(running: Stack, request: pytest.FixtureRequest) -> Stack:
    """The stack; a test that fails shows what its containers said."""
    request.node.stash[STACK] = running
    return running


def test_up_brings_everyone_in_step_on_three_servers(stack: Stack) -> None:
    stack.up()
    stack.in_step(THREE, *OLD_NODES)
    # Each process was started once, on the list that its file was checked for.
    assert {node: len(stack.lists_loaded(node)) for node in OLD_NODES} == dict.fromkeys(OLD_NODES, 1)
    assert stack.container("db-1-gate").state["ExitCode"] == 0


def test_up_once_more_ends_well_and_restarts_nobody(stack: Stack) -> None:
    before = {node: stack.serves(node) for node in OLD_NODES}
    stack.up()
    gate = stack.container("db-1-gate")
    wait_until(lambda: gate.state["Status"] == "exited", "the gate has ended", STACK_TIMEOUT)
    assert gate.state["ExitCode"] == 0, gate.log
    stack.in_step(THREE, *OLD_NODES)
    assert {node: stack.serves(node) for node in OLD_NODES} == before


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
    wrote = stack.container("fed-1")
    assert "Read-only file system" in wrote.fails("touch", "/config/federated.json")


def test_all_that_has_a_health_check_is_healthy(stack: Stack) -> None:
    for service in ("etcd-1", "etcd-2", "etcd-3", *OLD_NODES, *(f"{node}-sidecar" for node in OLD_NODES)):
        wait_until(partial(is_healthy, stack.container(service)), f"{service} is healthy", STACK_TIMEOUT)


def is_healthy(container: Container) -> bool:
    return container.health == "healthy"


def test_a_fourth_joins_and_each_process_is_restarted_once(stack: Stack) -> None:
    sidecars = {node: stack.container(f"{node}-sidecar").started_at for node in OLD_NODES}
    stack.up("fed-4", profile="join")
    stack.in_step(FOUR, *NODES)
    assert {node: len(stack.lists_loaded(node)) for node in NODES} == {
        **dict.fromkeys(OLD_NODES, 2),
        "fed-4": 1,
    }
    now = {node: stack.container(f"{node}-sidecar").started_at for node in OLD_NODES}
    assert now == sidecars, "the end of a server is not the end of its sidecar"


def test_a_process_that_dies_serves_again(stack: Stack) -> None:
    before = stack.serves("fed-3")
    stack.container("fed-3").die()
    wait_until(
        lambda: stack.serves("fed-3").get("startedAt", 0) > before["startedAt"], "it is back", STACK_TIMEOUT
    )
    stack.in_step(FOUR, *NODES)


def test_a_file_that_is_forged_while_its_node_runs_is_put_back_without_a_restart(stack: Stack) -> None:
    before = stack.serves("fed-2")
    forge(stack, "fed-2", FORGED)
    wait_until(lambda: stack.listed("fed-2") == FOUR, "the list is put back")
    stack.in_step(FOUR, *NODES)
    assert stack.serves("fed-2") == before
    assert any(FORGED in diff.read_text() for diff in stack.rejected("fed-2"))


def test_a_file_that_is_forged_while_its_node_is_down_is_never_seen_by_its_process(stack: Stack) -> None:
    stack.compose("stop", "fed-2", "fed-2-sidecar")
    forge(stack, "fed-2", FORGED_TOO)
    stack.up("fed-2")
    stack.in_step(FOUR, *NODES)
    assert not any(FORGED_TOO in servers for servers in stack.lists_loaded("fed-2"))
    assert any(FORGED_TOO in diff.read_text() for diff in stack.rejected("fed-2"))


def forge(stack: Stack, node: str, url: str) -> None:
    """Edit its list in place, as an editor does: ``url`` is too many, and the last one is gone."""
    file = stack.file(node)
    document = json.loads(file.read_text())
    document["FederatedServers"] = [*document["FederatedServers"][:-1], url]
    file.write_text(json.dumps(document, indent=2) + "\n")


def test_the_leaders_sidecar_is_killed_and_another_leads(stack: Stack) -> None:
    leader = wait_until(stack.leader, "somebody leads")
    serving = stack.serves(leader)
    sidecar = stack.container(f"{leader}-sidecar")
    docker_or_fail("kill", sidecar.name)
    successor = wait_until(lambda: new_leader(stack, leader), "another leads", STACK_TIMEOUT)
    assert successor != leader
    assert stack.serves(leader) == serving, "its process went on"

    # The next sidecar takes it over as it runs.
    stack.up(f"{leader}-sidecar", profile="join")
    stack.in_step(FOUR, *NODES)
    assert stack.serves(leader) == serving


def new_leader(stack: Stack, old: str) -> str | None:
    found = stack.leader()
    return found if found != old else None


def test_a_server_is_removed_through_an_errand_in_a_sidecars_container(stack: Stack) -> None:
    before = {node: len(stack.lists_loaded(node)) for node in OLD_NODES}
    said = stack.compose("exec", "-T", "fed-1-sidecar", "sidecar", "remove", "fed-4")
    assert "fed-4" in said
    stack.in_step(THREE, *OLD_NODES)
    assert {node: len(stack.lists_loaded(node)) for node in OLD_NODES} == {
        node: count + 1 for node, count in before.items()
    }
