"""The process next to a sidecar: how it is started, restarted, signalled and stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

from sidecar.adapters.processes.os_signals import SECOND_SIGNAL_INTERVAL
from tests.kit.network import Network
from tests.kit.node import Node
from tests.kit.processes import is_alive


def script(node: Node, text: str) -> tuple[str, ...]:
    """A run.sh in the node's folder; ``{app}`` in ``text`` is the process's command."""
    path = node.folder / "run.sh"
    path.write_text("#!/bin/sh\n" + text.format(app=" ".join(node.app)))
    path.chmod(0o755)
    return (str(path),)


def started(node: Node) -> int:
    """The process's number once it listens."""
    return node.events("listening")[-1].pid


def test_a_process_that_exits_is_restarted_with_backoff(network: Network) -> None:
    (one,) = network.servers(1)
    one.configure_app(exit_at_start=3)
    one.start()

    network.wait(lambda: len(one.starts) >= 4, "it is started again and again")

    one.configure_app()
    network.wait_in_sync(one)
    ats = [start.at for start in one.starts[:4]]
    pauses = [later - earlier for earlier, later in pairwise(ats)]
    # Half of 0.5, 1 and 2 s is certain, the other half is drawn.
    assert all(pause >= least for pause, least in zip(pauses, (0.25, 0.5, 1.0), strict=True)), pauses
    assert one.logged("crashed")[0]["reason"] == "the process ended by itself (exit code 3)"
    assert one.status["counters"]["crashes"] >= 4


def test_a_killed_process_restarts_and_no_other_node_does(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)

    os.kill(started(one), signal.SIGKILL)

    network.wait(lambda: len(one.events("listening")) == 2, "it is back")
    network.wait_in_sync(one, two)
    assert len(two.starts) == 1
    assert network.version == 1


def test_a_script_that_forks_is_stopped_with_its_children(network: Network) -> None:
    (one,) = network.servers(1)
    one.start(command=script(one, "sleep 1000 & {app} &\nwait\n"))
    network.wait_in_sync(one)
    family = network.processes() - {one.sidecar.pid}
    assert len(family) == 2  # the shell and the server; sleep's command line names nothing
    session = one.starts[-1].details["session"]

    one.stop()

    assert network.processes() == set()
    assert not members_of(session)


def members_of(session: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == session and is_alive(int(entry.name)):
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found


def test_all_processes_ignoring_sigterm_are_killed_after_the_timeout(network: Network) -> None:
    one, two = network.servers(2)
    one.configure_app(ignores_sigterm=1)
    command = script(one, "trap '' TERM\nsleep 1000 & {app} &\nwait\nwait\n")
    one.start("--stop-timeout", "5", command=command)
    network.start(two)
    network.wait_in_sync(one, two)
    session = one.starts[-1].details["session"]
    heard = len(one.events("signalled"))

    network.start(network.newcomer("fed-3", two))
    network.wait_in_sync(*network.nodes)

    assert [event.signal for event in one.events("signalled")[heard:]][:1] == ["SIGTERM"]
    assert not members_of(session)
    assert len(one.starts) == 2
    assert one.logged("process survived SIGTERM; sending SIGKILL")


def test_a_server_left_in_the_background_is_supervised(network: Network) -> None:
    (one,) = network.servers(1)
    one.start(command=script(one, "{app} &\n"))
    network.wait_in_sync(one)

    os.kill(started(one), signal.SIGKILL)
    network.wait(lambda: len(one.events("listening")) == 2, "it is back")
    network.wait_in_sync(one)
    one.stop()

    assert network.processes() == set()


def test_the_sidecar_exits_with_the_code_of_the_process(network: Network) -> None:
    one, two, three = network.servers(3)
    one.configure_app(exit_code=7)
    two.configure_app(exit_code=0)
    three.configure_app(ignores_sigterm=1)
    three.defaults += ("--stop-timeout", "0.2")
    network.start(one, two, three)

    assert one.stop() == 7
    assert two.stop() == 0
    assert three.stop() == 128 + signal.SIGKILL


def test_signals_are_forwarded_and_do_not_stop_the_sidecar(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)

    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        one.signal(signum)
        heard = partial(one.received, signum)
        network.wait(heard, signum.name)

    assert one.sidecar.poll() is None
    assert len(one.starts) == 1


def test_a_second_sigterm_skips_the_stop_timeout(network: Network) -> None:
    (one,) = network.servers(1)
    one.configure_app(ignores_sigterm=1)
    one.defaults += ("--stop-timeout", "600")
    network.start(one)
    one.signal(signal.SIGTERM)
    network.wait(lambda: one.events("signalled"), "the process has got SIGTERM")

    asked = time.monotonic()
    # A while after the first: a supervisor may ask twice in one breath.
    network.wait(lambda: time.monotonic() > asked + 2 * SECOND_SIGNAL_INTERVAL, "that is over")

    one.signal(signal.SIGTERM)

    assert one.wait_for_exit() == 128 + signal.SIGKILL
    assert one.logged("second termination signal; killing the process")


def test_a_missing_command_is_reported_before_the_network_changes(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    late = network.newcomer("fed-3", one)
    late.start(command=(str(late.folder / "server"), *late.app))

    assert late.wait_for_exit() == 78
    assert "not found (or not executable); correct the command after --" in late.log_text()
    assert network.version == 1


def test_a_command_that_disappears_is_retried_until_it_returns(network: Network) -> None:
    (one,) = network.servers(1)
    program = one.folder / "server"
    text = '#!/bin/sh\nexec "$@"\n'
    program.write_text(text)
    program.chmod(0o755)
    one.start(command=(str(program), *one.app))
    network.wait_in_sync(one)
    program.unlink()
    os.kill(started(one), signal.SIGKILL)

    network.wait(lambda: "exit code 127" in one.status.get("reason", ""), "it is not found")
    assert "there is no such file" in one.log_text()
    program.write_text(text)
    program.chmod(0o755)

    network.wait_in_sync(one)
    assert len(one.starts) == 2


def test_without_a_command_the_sidecar_only_keeps_the_file(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one)
    two.start("--health", "exec:true", command=())
    network.wait_in_sync(one, two)

    network.start(network.newcomer("fed-3", one))
    network.wait(lambda: len(two.servers) == 3, "the file follows")
    network.wait_in_sync(*network.nodes)

    assert two.starts == []
    assert two.stop() == 0


def test_the_process_gets_the_sidecars_folder_and_environment(network: Network) -> None:
    (one,) = network.servers(1)
    shown = one.folder / "shown"
    code = f"import os; open({str(shown)!r}, 'w').write(os.environ['COLOUR'] + ' ' + os.getcwd())"
    one.start(command=(sys.executable, "-c", code), env={"COLOUR": "red"})

    network.wait(lambda: shown.exists() and shown.read_text() == f"red {one.folder}", "it has both")
