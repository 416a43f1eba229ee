"""JVMs that the sidecar launches, by ``java -jar``, a script or an executable, and their own restarts."""

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
from tests.kit.product_texts import ADOPTED
from tests.platforms.java.nodes import JAVA, JavaNetwork, JavaNode


def java_jar(node: JavaNode) -> tuple[str, ...]:
    return node.command


def shipped_run_sh(node: JavaNode) -> tuple[str, ...]:
    return (str(JAVA / "examples" / node.jar.stem / "run.sh"), str(node.node.file))


def forking_script(node: JavaNode) -> tuple[str, ...]:
    return node.script("{java} &\nwait $!\n")


def background_script(node: JavaNode) -> tuple[str, ...]:
    return node.script("{java} &\n")


def native_image(node: JavaNode) -> tuple[str, ...]:
    """An ELF executable in place of a native image; see ``java/examples/native-launcher``."""
    require(shutil.which("cc") is not None, "a C compiler")
    program = node.node.folder / "server"
    main = "FederatedServer" if node.node.url else "DatabaseNode"
    build = str(JAVA / "examples/native-launcher/build")
    subprocess.run([build, str(program), str(node.jar), f"io.federation.examples.{main}"], check=True)
    return (str(program), "-Xmx48m", str(node.node.file))


COMMANDS = (java_jar, shipped_run_sh, forking_script, background_script, native_image)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_join_restarts_servers_and_database_nodes(
    command: Callable[[JavaNode], tuple[str, ...]], network: JavaNetwork
) -> None:
    (one,) = network.servers(1)
    database = network.database("db-1", one)
    for node in (one, database):
        node.start(command=command(node))
    network.wait_in_sync(one, database)
    before = {node.node.id: node.status["pid"] for node in (one, database)}
    newcomer = network.newcomer("fed-2", one)

    newcomer.start()

    network.wait_in_sync(one, database, newcomer)
    assert [len(node.status["FederatedServers"]) for node in (one, database, newcomer)] == [2, 2, 2]
    for node in (one, database):
        assert node.status["pid"] != before[node.node.id], "another process"
        assert node.node.status["counters"]["restarts"] == 1
        assert not is_alive(before[node.node.id])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_killed_jvm_is_started_again(
    command: Callable[[JavaNode], tuple[str, ...]], network: JavaNetwork
) -> None:
    (one,) = network.servers(1)
    one.start(command=command(one))
    network.wait_in_sync(one)
    killed = one.status["pid"]

    os.kill(killed, signal.SIGKILL)

    network.wait(lambda: one.status.get("pid", killed) != killed, "it serves again")
    network.wait_in_sync(one)


def test_the_next_sidecar_adopts_the_running_jvm(
    network: JavaNetwork,
) -> None:
    (one,) = network.servers(1)
    one.start()
    network.wait_in_sync(one)
    before = one.status

    one.node.kill()
    one.start()

    network.wait(lambda: one.node.logged(ADOPTED), "the next sidecar adopts it")
    network.wait_in_sync(one)
    assert (one.status["pid"], one.status["startedAt"]) == (before["pid"], before["startedAt"])


def test_a_restart_inside_the_jvm_is_no_crash(network: JavaNetwork) -> None:
    (one,) = network.servers(1)
    one.start(HOT_RELOAD_MODE="jvm")
    network.wait_in_sync(one)
    before = one.status

    os.kill(before["pid"], signal.SIGHUP)

    network.wait(lambda: one.status.get("generation") == 2, "its second generation serves")
    network.wait_in_sync(one)
    assert one.status["pid"] == before["pid"]
    assert one.node.status["counters"]["crashes"] == 0


def test_a_reexec_of_the_jvm_is_no_crash(network: JavaNetwork) -> None:
    (one,) = network.servers(1)
    one.start(HOT_RELOAD_MODE="exec")
    network.wait_in_sync(one)
    before = one.status["pid"]

    for _ in range(2):
        last = one.status["pid"]
        os.kill(last, signal.SIGHUP)
        network.wait(lambda last=last: one.status.get("pid", last) != last, "its successor serves")  # type: ignore[misc]
        network.wait_in_sync(one)

    assert not is_alive(before)
    network.wait(
        lambda: one.node.status.get("pid") == one.status["pid"], "the sidecar supervises the successor"
    )
    assert one.node.status["counters"]["crashes"] == 0
    assert one.node.stop() is not None
    assert not is_alive(last)


def test_a_jvm_that_exits_to_restart_is_started_again(network: JavaNetwork) -> None:
    (one,) = network.servers(1)
    one.start(HOT_RELOAD_MODE="exit")
    network.wait_in_sync(one)
    before = one.status["pid"]

    os.kill(before, signal.SIGHUP)

    network.wait(lambda: one.status.get("pid", before) != before, "it serves again")
    network.wait_in_sync(one)
    assert "exit code 75" in one.node.logged("crashed")[0]["reason"]


def test_a_jvm_that_ignores_sigterm_leaves_a_thread_dump(network: JavaNetwork) -> None:
    one, two = network.servers(2)
    stubborn = one.node.folder / "Stubborn.java"
    stubborn.write_text(Path(__file__).with_name("Stubborn.java").read_text())
    one.start("--stop-timeout", "1", "--health", "exec:true", command=("java", "-Xmx48m", str(stubborn)))
    two.start()
    network.wait_in_sync(two)
    network.wait(lambda: "stubborn is up" in one.log, "it has started")

    newcomer = network.newcomer("fed-3", two)
    newcomer.start()

    dumps = one.node.folder / ".sidecar/thread-dumps"
    network.wait(lambda: dumps.is_dir() and list(dumps.glob("*.txt")), "a thread dump is saved")
    network.wait(lambda: one.node.status.get("counters", {}).get("restarts", 0) >= 1, "it is restarted")
    (dump, *_) = sorted(dumps.glob("*.txt"))
    assert "the-thread-that-hangs" in dump.read_text()
