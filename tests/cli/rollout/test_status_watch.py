"""`rollout status --watch`: its output for each change, and its end."""

from __future__ import annotations

import json
import re

import pytest

from sidecar.cli.rollout.status import main
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Grant
from sidecar.domain.servers import NodeID
from tests.cli.network import KEYS, Shell, put
from tests.cli.rollout.records import in_step, reported, rolling, waiting
from tests.cli.rollout.test_status import FAILED, shown
from tests.fakes.memory_store import MemoryStore


async def _roll(shell: Shell, store: MemoryStore) -> None:
    """Take fed-1 to fed-3 and db-1 from version 5 to 6, each when the one before has been seen."""
    await shell.wait_for_output("NODE")
    for name in ("fed-1", "fed-3", "fed-2", "db-1"):
        grant = KEYS.grant(NodeID(name))
        await put(store, {grant: Grant(6, 1, 4e9)})
        await shell.wait_for_output(f"{name} restarting")
        await put(store, reported(name, loaded_version=6))
        await shell.wait_for_output(f"{name} done")
        await put(store, {grant: None})


def test_a_pipe_gets_a_line_for_each_change_until_the_end() -> None:
    shell = Shell(rolling())
    shell.scenario = lambda store: _roll(shell, store)

    code, out, err = shell.run(main, "--watch")

    assert (code, err) == (0, "")
    assert out.startswith(shown(rolling()))
    assert out.removeprefix(shown(rolling())).splitlines() == [
        "version 6, 0/4: fed-1 restarting: is about to restart",
        "version 6, 1/4: fed-1 done: in step",
        "version 6, 1/4: fed-3 restarting: is about to restart",
        "version 6, 2/4: fed-3 done: in step",
        "version 6, 2/4: fed-2 restarting: is about to restart",
        "version 6, 3/4: fed-2 done: in step",
        "version 6, 3/4: db-1 restarting: is about to restart",
        "version 6, 4/4: db-1 done: in step",
        "version 6, 4/4: done: every node is in step",
    ]


def test_no_change_prints_nothing() -> None:
    shell = Shell(rolling())

    async def story(store: MemoryStore) -> None:
        await shell.wait_for_output("NODE")
        await put(store, waiting("fed-1"))
        await put(store, {KEYS.candidate(100): b"{}"})
        await put(store, in_step(6))

    shell.scenario = story

    _, out, _ = shell.run(main, "--watch")

    assert len(out.removeprefix(shown(rolling())).splitlines()) == 5  # four nodes, and the end


def test_after_a_halt_the_watch_continues_until_a_newer_list() -> None:
    shell = Shell(rolling())

    async def story(store: MemoryStore) -> None:
        await shell.wait_for_output("NODE")
        await put(store, {KEYS.grant(NodeID("fed-1")): FAILED})
        await shell.wait_for_output("version 6, 0/4: halted: fed-1 died: exit code 3")
        await put(store, {KEYS.grant(NodeID("fed-1")): None, **in_step(7)})

    shell.scenario = story

    code, out, _ = shell.run(main, "--watch")

    assert code == 0
    assert out.endswith("version 7, 4/4: done: every node is in step\n")


def test_watch_ends_if_nothing_is_left_and_no_node_is_starting() -> None:
    assert Shell(in_step()).run(main, "--watch")[0] == 0
    starting = reported("fed-3", phase=Phase.STARTING, healthy=False)
    shell = Shell(in_step() | starting)

    async def story(store: MemoryStore) -> None:
        await shell.wait_for_output("starting")
        await put(store, reported("fed-3"))

    shell.scenario = story

    assert shell.run(main, "--watch")[1].endswith("version 5, 4/4: done: every node is in step\n")


def test_a_network_without_a_list_is_watched_until_it_has_one() -> None:
    shell = Shell({})

    async def story(store: MemoryStore) -> None:
        await shell.wait_for_output("no list yet")
        await put(store, in_step())

    shell.scenario = story

    code, out, _ = shell.run(main, "--watch")

    assert code == 0
    assert out.splitlines()[1] == "network default, version 5: done: every node is in step"


def test_watch_as_json_is_one_document_per_change() -> None:
    shell = Shell(rolling())

    async def story(store: MemoryStore) -> None:
        await shell.wait_for_output('"state": "running"')
        await put(store, in_step(6))

    shell.scenario = story

    code, out, _ = shell.run(main, "--watch", "--json")

    documents = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(each["state"], each["done"]) for each in documents] == [("running", 0), ("done", 4)]


def test_a_terminal_is_redrawn_and_keeps_the_last_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    shell = Shell(rolling(), terminal=True)

    async def story(store: MemoryStore) -> None:
        await shell.wait_for_output("waiting")
        await put(store, in_step(6))

    shell.scenario = story

    code, out, _ = shell.run(main, "--watch")

    assert code == 0
    assert "\x1b[1A" in out  # the cursor went up to draw over
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.rpartition("\x1b[1A")[2])
    assert "version 6: done: every node is in step" in last
    assert "waiting" not in last
