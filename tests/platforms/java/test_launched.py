"""JVMs that the sidecar launches: ``java -jar``, ``run.sh``, an executable; their own restarts under it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.prerequisites import require
from tests.kit.processes import is_alive
from tests.platforms.java.nodes import JAVA, JavaNetwork, JavaNode


def jar(node: JavaNode) -> tuple[str, ...]:
    return node.command


def shipped_script(node: JavaNode) -> tuple[str, ...]:
    return (str(JAVA / "examples" / node.jar.stem / "run.sh"), str(node.node.file))


def script_that_forks(node: JavaNode) -> tuple[str, ...]:
    return node.script("{java} &\nwait $!\n")


def script_that_leaves_it_behind(node: JavaNode) -> tuple[str, ...]:
    return node.script("{java} &\n")


def native_image(node: JavaNode) -> tuple[str, ...]:
    """An ELF executable that stands for one; ``java/examples/native-launcher`` says what it is."""
    require(shutil.which("cc") is not None, "a C compiler")
    program = node.node.folder / "server"
    main = "FederatedServer" if node.node.url else "DatabaseNode"
    build = str(JAVA / "examples/native-launcher/build")
    subprocess.run([build, str(program), str(node.jar), f"io.federation.examples.{main}"], check=True)
    return (str(program), "-Xmx48m", str(node.node.file))


WAYS = (jar, shipped_script, script_that_forks, script_that_leaves_it_behind, native_image)


@pytest.mark.parametrize("way", WAYS)
def test_a_join_restarts_server_and_database_node_on_the_new_list(
    way: Callable[[JavaNode], tuple[str, ...]], network: JavaNetwork
) -> None:
    (one,) = network.servers(1)
    database = network.database("db-1", one)
    for node in (one, database):
        node.start(command=way(node))
    network.in_step(one, database)
    before = {node.node.id: node.status["pid"] for node in (one, database)}
    newcomer = network.newcomer("fed-2", one)

    newcomer.start()

    network.in_step(one, database, newcomer)
    assert [len(node.status["FederatedServers"]) for node in (one, database, newcomer)] == [2, 2, 2]
    for node in (one, database):
        assert node.status["pid"] != before[node.node.id], "another process"
        assert node.node.status["counters"]["restarts"] == 1
        assert not is_alive(before[node.node.id])


@pytest.mark.parametrize("way", WAYS)
def test_one_that_is_killed_serves_again(
    way: Callable[[JavaNode], tuple[str, ...]], network: JavaNetwork
) -> None:
    (one,) = network.servers(1)
    one.start(command=way(one))
    network.in_step(one)
    killed = one.status["pid"]

    os.kill(killed, signal.SIGKILL)

    network.wait(lambda: one.status.get("pid", killed) != killed, "it serves again")
    network.in_step(one)


def test_a_sidecar_that_is_killed_leaves_the_jvm_running_and_the_next_takes_it_over(
    network: JavaNetwork,
) -> None:
    (one,) = network.servers(1)
    one.start()
    network.in_step(one)
    before = one.status

    one.node.kill()
    one.start()

    network.wait(lambda: one.node.logged("took over the running process"), "it is taken over")
    network.in_step(one)
    assert (one.status["pid"], one.status["startedAt"]) == (before["pid"], before["startedAt"])


def test_a_restart_inside_the_jvm_under_the_sidecar_is_no_death(network: JavaNetwork) -> None:
    (one,) = network.servers(1)
    one.start(HOT_RELOAD_MODE="jvm")
    network.in_step(one)
    before = one.status

    os.kill(before["pid"], signal.SIGHUP)

    network.wait(lambda: one.status.get("generation") == 2, "its second generation serves")
    network.in_step(one)
    assert one.status["pid"] == before["pid"]
    assert one.node.status["counters"]["crashes"] == 0


def test_a_reexec_under_the_sidecar_is_a_hand_over_and_no_death(network: JavaNetwork) -> None:
    (one,) = network.servers(1)
    one.start(HOT_RELOAD_MODE="exec")
    network.in_step(one)
    before = one.status["pid"]

    for _ in range(2):
        last = one.status["pid"]
        os.kill(last, signal.SIGHUP)
        network.wait(lambda last=last: one.status.get("pid", last) != last, "its successor serves")  # type: ignore[misc]
        network.in_step(one)

    assert not is_alive(before)
    network.wait(
        lambda: one.node.status.get("pid") == one.status["pid"], "the sidecar looks after the successor"
    )
    assert one.node.status["counters"]["crashes"] == 0
    assert one.node.stop() is not None
    assert not is_alive(last)


def test_a_restart_by_exit_is_brought_back_by_the_sidecar(network: JavaNetwork) -> None:
    (one,) = network.servers(1)
    one.start(HOT_RELOAD_MODE="exit")
    network.in_step(one)
    before = one.status["pid"]

    os.kill(before, signal.SIGHUP)

    network.wait(lambda: one.status.get("pid", before) != before, "it serves again")
    network.in_step(one)
    assert "exit code 75" in one.node.logged("crashed")[0]["reason"]


def test_a_jvm_that_ignores_sigterm_leaves_its_thread_dump_before_it_is_killed(network: JavaNetwork) -> None:
    one, two = network.servers(2)
    stubborn = one.node.folder / "Stubborn.java"
    stubborn.write_text(Path(__file__).with_name("Stubborn.java").read_text())
    one.start("--stop-timeout", "1", "--health", "exec:true", command=("java", "-Xmx48m", str(stubborn)))
    two.start()
    network.in_step(two)
    network.wait(lambda: "stubborn is up" in one.log, "it is up")

    newcomer = network.newcomer("fed-3", two)
    newcomer.start()

    dumps = one.node.folder / ".sidecar/thread-dumps"
    network.wait(lambda: dumps.is_dir() and list(dumps.glob("*.txt")), "a dump is kept")
    network.wait(lambda: one.node.status.get("counters", {}).get("restarts", 0) >= 1, "it was restarted")
    (dump, *_) = sorted(dumps.glob("*.txt"))
    assert "the-thread-that-hangs" in dump.read_text()
