"""The process next to a sidecar: started, brought back, stopped whole, taken over."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

from sidecar.adapters.processes.os_signals import HURRY
from tests.e2e.network import Network
from tests.e2e.node import Node, lives


def script(node: Node, text: str) -> tuple[str, ...]:
    """A run.sh in the node's folder; ``{app}`` in ``text`` is the process's command."""
    path = node.folder / "run.sh"
    path.write_text("#!/bin/sh\n" + text.format(app=" ".join(node.app)))
    path.chmod(0o755)
    return (str(path),)


def started(node: Node) -> int:
    """The process's number once it listens."""
    return node.journal("listens")[-1].pid


def test_a_process_that_dies_is_brought_back_after_growing_pauses(network: Network) -> None:
    (one,) = network.servers(1)
    one.behave(dies=3)
    one.start()

    network.wait(lambda: len(one.starts) >= 4, "it is started again and again")

    one.behave()
    network.in_step(one)
    ats = [start.at for start in one.starts[:4]]
    pauses = [later - earlier for earlier, later in pairwise(ats)]
    # Half of 0.5, 1 and 2 s is certain, the other half is drawn.
    assert all(pause >= least for pause, least in zip(pauses, (0.25, 0.5, 1.0), strict=True)), pauses
    assert one.logged("crashed")[0]["reason"] == "the process ended by itself (exit code 3)"
    assert one.status["counters"]["deaths"] >= 4


def test_a_process_that_is_killed_is_back_soon_and_nobody_else_is_restarted(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)

    os.kill(started(one), signal.SIGKILL)

    network.wait(lambda: len(one.journal("listens")) == 2, "it is back")
    network.in_step(one, two)
    assert len(two.starts) == 1
    assert network.version == 1


def test_a_run_sh_that_forks_is_stopped_whole(network: Network) -> None:
    (one,) = network.servers(1)
    one.start(command=script(one, "sleep 1000 & {app} &\nwait\n"))
    network.in_step(one)
    family = network.processes() - {one.sidecar.pid}
    assert len(family) == 2  # the shell and the server; sleep's command line names nothing
    session = one.starts[-1].more["session"]

    one.stop()

    assert network.processes() == set()
    assert not members_of(session)


def members_of(session: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == session and lives(int(entry.name)):
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found


def test_what_ignores_sigterm_is_killed_after_the_stop_timeout_all_of_it(network: Network) -> None:
    one, two = network.servers(2)
    one.behave(deaf=1)
    command = script(one, "trap '' TERM\nsleep 1000 & {app} &\nwait\nwait\n")
    one.start("--stop-timeout", "5", command=command)
    network.start(two)
    network.in_step(one, two)
    session = one.starts[-1].more["session"]
    heard = len(one.journal("hears"))

    network.start(network.newcomer("fed-3", two))
    network.in_step(*network.nodes)

    assert [event.more["signal"] for event in one.journal("hears")[heard:]][:1] == ["SIGTERM"]
    assert not members_of(session)
    assert len(one.starts) == 2
    assert one.logged("the process outlived SIGTERM; sending SIGKILL")


def test_a_launcher_that_leaves_the_server_in_the_background_is_looked_after_too(network: Network) -> None:
    (one,) = network.servers(1)
    one.start(command=script(one, "{app} &\n"))
    network.in_step(one)

    os.kill(started(one), signal.SIGKILL)
    network.wait(lambda: len(one.journal("listens")) == 2, "it is back")
    network.in_step(one)
    one.stop()

    assert network.processes() == set()


def test_the_sidecars_exit_code_is_the_processs(network: Network) -> None:
    one, two, three = network.servers(3)
    one.behave(ends=7)
    two.behave(ends=0)
    three.behave(deaf=1)
    three.defaults += ("--stop-timeout", "0.2")
    network.start(one, two, three)

    assert one.stop() == 7
    assert two.stop() == 0
    assert three.stop() == 128 + signal.SIGKILL


def test_signals_are_passed_on_and_do_not_end_the_sidecar(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)

    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        one.signal(signum)
        heard = partial(one.heard, signum)
        network.wait(heard, signum.name)

    assert one.sidecar.poll() is None
    assert len(one.starts) == 1


def test_whoever_asks_a_second_time_does_not_wait_for_the_stop_timeout(network: Network) -> None:
    (one,) = network.servers(1)
    one.behave(deaf=1)
    one.defaults += ("--stop-timeout", "600")
    network.start(one)
    one.signal(signal.SIGTERM)
    network.wait(lambda: one.journal("hears"), "the process has got SIGTERM")

    asked = time.monotonic()
    # A while after the first: a supervisor may ask twice in one breath.
    network.wait(lambda: time.monotonic() > asked + 2 * HURRY, "that is over")

    one.signal(signal.SIGTERM)

    assert one.ended() == 128 + signal.SIGKILL
    assert one.logged("asked a second time; the process is killed")


def test_after_kill_9_of_the_sidecar_the_process_runs_on_and_the_next_life_takes_it_over(
    network: Network,
) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    pid = started(two)

    two.kill()
    assert lives(pid)
    two.start()
    network.wait(lambda: two.logged("took over the running process"), "it is taken over")
    network.in_step(one, two)

    assert two.status["pid"] == pid
    assert len(two.starts) == 1
    two.stop()
    assert not lives(pid)


def test_a_process_that_was_taken_over_is_restarted_if_the_list_has_changed_meanwhile(
    network: Network,
) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    two.kill()

    three = network.newcomer("fed-3", one)
    network.start(three)
    two.start()
    network.in_step(*network.nodes)

    assert [start.servers for start in two.starts] == [[one.url, two.url], [one.url, two.url, three.url]]
    assert two.starts[0].pid in [event.pid for event in two.journal("ends")]


def test_an_adopted_process_that_died_unseen_is_started_anew(network: Network) -> None:
    (one,) = network.servers(1)
    network.start(one)
    one.kill()
    os.kill(started(one), signal.SIGKILL)

    network.start(one)

    assert len(one.starts) == 2


def test_a_command_that_does_not_exist_is_told_before_the_network_is_changed(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one, two)
    late = network.newcomer("fed-3", one)
    late.start(command=(str(late.folder / "server"), *late.app))

    assert late.ended() == 78
    assert "is no program that can be executed" in late.log_text()
    assert network.version == 1


def test_a_command_that_vanishes_is_tried_until_it_is_back(network: Network) -> None:
    (one,) = network.servers(1)
    program = one.folder / "server"
    text = '#!/bin/sh\nexec "$@"\n'
    program.write_text(text)
    program.chmod(0o755)
    one.start(command=(str(program), *one.app))
    network.in_step(one)
    program.unlink()
    os.kill(started(one), signal.SIGKILL)

    network.wait(lambda: "exit code 127" in one.status.get("reason", ""), "it is not found")
    assert "there is no such file" in one.log_text()
    program.write_text(text)
    program.chmod(0o755)

    network.in_step(one)
    assert len(one.starts) == 2


def test_without_a_command_the_sidecar_only_keeps_the_file(network: Network) -> None:
    one, two = network.servers(2)
    network.start(one)
    two.start("--health", "exec:true", command=())
    network.in_step(one, two)

    network.start(network.newcomer("fed-3", one))
    network.wait(lambda: len(two.servers) == 3, "the file follows")
    network.in_step(*network.nodes)

    assert two.starts == []
    assert two.stop() == 0


def test_the_process_gets_the_sidecars_folder_and_environment(network: Network) -> None:
    (one,) = network.servers(1)
    shown = one.folder / "shown"
    code = f"import os; open({str(shown)!r}, 'w').write(os.environ['COLOUR'] + ' ' + os.getcwd())"
    one.start(command=(sys.executable, "-c", code), env={"COLOUR": "red"})

    network.wait(lambda: shown.exists() and shown.read_text() == f"red {one.folder}", "it has both")
