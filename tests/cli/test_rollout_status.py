"""`rollout status`: how far a version is, for people, for scripts, and as it happens."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from sidecar.cli.rollout_status import main
from sidecar.domain.canonical import Canonical
from sidecar.domain.records import Record
from sidecar.domain.report import Phase
from sidecar.domain.servers import NodeID
from sidecar.domain.turns import Exemption, Grant, Halt, Standstill
from tests.cli.network import KEYS, ONE, THREE, TWO, Shell, canonical, put
from tests.cli.standing import AT, in_step, lacking, reported, rolling, waiting
from tests.fakes.memory_store import MemoryStore

FAILED = Grant(6, 1, 1.0, failed="died: exit code 3")


def shown(records: dict[str, Record]) -> str:
    code, out, err = Shell(records).run(main)
    assert (code, err) == (0, "")
    return out


def document(records: dict[str, Record]) -> Any:
    return json.loads(Shell(records).run(main, "--json")[1])


def halted(healthy: Canonical | None = None) -> dict[str, Record]:
    """As fed-1 has died in its turn; ``healthy`` is the last list that every node was healthy on."""
    records = rolling() | reported("fed-1", phase=Phase.CRASHED, healthy=False, reason="exit code 3")
    records[KEYS.grant(NodeID("fed-1"))] = FAILED
    return records | ({KEYS.healthy: healthy} if healthy else {})


def last_line(out: str) -> str:
    return out.splitlines()[-1]


def test_a_pipe_gets_the_state_bars_and_a_table_in_the_order_of_turns() -> None:
    records = rolling() | reported("fed-1", loaded_version=6)

    assert shown(records) == (
        "network default, version 6: running: the next turn is about to be given\n"
        "servers         [##########--------------------]  1/3\n"
        "database nodes  [------------------------------]  0/1\n"
        "\n"
        "NODE   ROLE      PROGRESS  LIST  TURN  WHY\n"
        "fed-1  server    done      6     -     in step\n"
        "fed-3  server    waiting   5     -     runs on version 5\n"
        "fed-2  leader    waiting   5     -     runs on version 5\n"
        "db-1   database  waiting   5     -     runs on version 5\n"
    )


def test_whose_turn_it_is_shows_since_when_it_is() -> None:
    records = rolling() | {KEYS.grant(NodeID("fed-1")): Grant(6, 1, 4e9)}

    out = shown(records)

    assert re.search(r"^fed-1 +server +restarting +5 +0s +is about to restart$", out, re.MULTILINE)
    assert "version 6: running: fed-1 is about to restart\n" in out


def test_a_failure_names_the_node_the_reason_and_the_ways_out() -> None:
    out = shown(halted(canonical(5, ONE, TWO)))

    assert out.startswith("network default, version 6: halted: fed-1 died: exit code 3\n")
    assert re.search(r"^fed-1 +server +failed ", out, re.MULTILINE)
    assert last_line(out) == (
        "next: see to fed-1, and `sidecar rollout retry fed-1` gives it another try; "
        "or `sidecar rollout skip fed-1` goes on without it; or `sidecar rollback 5` takes the change back"
    )


def test_no_rollback_is_proposed_where_there_is_nothing_to_go_back_to() -> None:
    assert "rollback" not in shown(halted())
    assert "rollback" not in shown(halted(canonical(5)))  # the same list


def test_a_pause_names_who_paused_it_and_how_to_go_on() -> None:
    out = shown(rolling() | {KEYS.standstill: Standstill(Halt.PAUSED, 6, "ann paused it: lunch", AT, "ann")})

    assert out.startswith("network default, version 6: paused: ann paused it: lunch\n")
    assert last_line(out) == "next: `sidecar rollout resume` lets it go on"


def test_a_node_that_is_missing_is_waited_for() -> None:
    out = shown(lacking(rolling(), KEYS.report(NodeID("fed-3"))))

    assert out.startswith("network default, version 6: waiting: fed-3 is missing: its sidecar is down, or")
    assert last_line(out).startswith("next: see to fed-3; or `sidecar rollout skip fed-3` goes on without it")


def test_a_node_that_only_starts_is_no_trouble_yet() -> None:
    out = shown(rolling() | reported("fed-3", phase=Phase.STARTING, healthy=False, reason="not probed yet"))

    assert "waiting: fed-3 is starting: not probed yet" in out
    assert "next:" not in out


def test_without_a_leader_nothing_goes_on() -> None:
    out = shown(lacking(rolling(), KEYS.candidate(99), KEYS.candidate(11)))

    assert "waiting: nobody leads, so nobody is given a turn" in out
    assert last_line(out) == "next: start the sidecar of a server: one of them leads"


@pytest.mark.parametrize(
    ("key", "step"),
    [
        (KEYS.pause(NodeID("fed-3")), "next: `sidecar resume fed-3` lets it take part again"),
        (KEYS.skip(NodeID("fed-3")), "next: `sidecar rollout retry fed-3` gives it another try"),
    ],
)
def test_who_was_left_out_can_be_taken_in_again(key: str, step: str) -> None:
    out = shown(in_step() | waiting("fed-3", 4) | {key: Exemption(5, AT, "ann")})

    assert "version 5: done: fed-3 is " in out
    assert last_line(out) == step


def test_a_server_that_nobody_ever_saw_is_named() -> None:
    four = replace(ONE, normal="http://localhost:9004", text="http://localhost:9004")
    out = shown(in_step() | {KEYS.canonical: canonical(5, ONE, TWO, THREE, four)})

    assert last_line(out) == "in the list, but never seen: http://localhost:9004"


def test_a_reason_cannot_play_with_the_terminal() -> None:
    records = rolling() | reported("fed-3", phase=Phase.CRASHED, healthy=False, reason="\x1b[2Jgone\nfed-1")

    for terminal in (True, False):
        _, out, _ = Shell(records, terminal=terminal).run(main)
        assert "\x1b[2J" not in out
        assert "gone\n" not in out


def test_scripts_get_one_document_with_the_same_keys_always() -> None:
    running, stopped = document(rolling()), document(halted(canonical(5, ONE, TWO)))

    assert list(running) == list(stopped) == list(document(in_step()))
    assert (running["version"], running["state"], running["ended"]) == (6, "running", False)
    assert (running["leader"], running["done"], running["total"]) == ("fed-2", 0, 4)
    assert running["roles"] == {"federated": {"done": 0, "total": 3}, "database": {"done": 0, "total": 1}}
    assert stopped["reason"] == "fed-1 died: exit code 3"
    first, second = stopped["nodes"][:2]
    assert first == {
        "node_id": "fed-1",
        "role": "federated",
        "progress": "failed",
        "reason": "died: exit code 3",
        "available": False,
        "loaded_version": 5,
        "turn": {"version": 6, "since": 1.0, "free": False},
    }
    assert list(second) == list(first)
    assert second["turn"] is None


def test_without_a_list_there_is_nothing_to_show_and_no_error() -> None:
    assert document({}) is None
    assert shown({}).startswith("network default has no list yet")


def test_a_terminal_gets_colours_and_a_table_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")

    _, out, _ = Shell(halted(), terminal=True).run(main)

    assert "\x1b[1;31mfailed" in out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert max(map(len, plain.splitlines())) <= 80
    assert "0/3" in plain


# Watching.


async def _roll(shell: Shell, store: MemoryStore) -> None:
    """Take fed-1 to fed-3 and db-1 from version 5 to 6, each when the one before has been seen."""
    await shell.told("NODE")
    for name in ("fed-1", "fed-3", "fed-2", "db-1"):
        grant = KEYS.grant(NodeID(name))
        await put(store, {grant: Grant(6, 1, 4e9)})
        await shell.told(f"{name} restarting")
        await put(store, reported(name, loaded_version=6))
        await shell.told(f"{name} done")
        await put(store, {grant: None})


def test_a_pipe_gets_a_line_for_each_change_until_the_rollout_has_ended() -> None:
    shell = Shell(rolling())
    shell.story = lambda store: _roll(shell, store)

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


def test_what_changes_nothing_prints_nothing() -> None:
    shell = Shell(rolling())

    async def story(store: MemoryStore) -> None:
        await shell.told("NODE")
        await put(store, waiting("fed-1"))
        await put(store, {KEYS.candidate(100): b"{}"})
        await put(store, in_step(6))

    shell.story = story

    _, out, _ = shell.run(main, "--watch")

    assert len(out.removeprefix(shown(rolling())).splitlines()) == 5  # four nodes, and the end


def test_a_halt_is_told_and_the_watch_goes_on_until_a_newer_list_ends_it() -> None:
    shell = Shell(rolling())

    async def story(store: MemoryStore) -> None:
        await shell.told("NODE")
        await put(store, {KEYS.grant(NodeID("fed-1")): FAILED})
        await shell.told("version 6, 0/4: halted: fed-1 died: exit code 3")
        await put(store, {KEYS.grant(NodeID("fed-1")): None, **in_step(7)})

    shell.story = story

    code, out, _ = shell.run(main, "--watch")

    assert code == 0
    assert out.endswith("version 7, 4/4: done: every node is in step\n")


def test_it_ends_at_once_where_nothing_is_to_be_done_but_not_while_a_node_comes_up() -> None:
    assert Shell(in_step()).run(main, "--watch")[0] == 0
    starting = reported("fed-3", phase=Phase.STARTING, healthy=False)
    shell = Shell(in_step() | starting)

    async def story(store: MemoryStore) -> None:
        await shell.told("starting")
        await put(store, reported("fed-3"))

    shell.story = story

    assert shell.run(main, "--watch")[1].endswith("version 5, 4/4: done: every node is in step\n")


def test_a_network_without_a_list_is_watched_until_it_has_one() -> None:
    shell = Shell({})

    async def story(store: MemoryStore) -> None:
        await shell.told("no list yet")
        await put(store, in_step())

    shell.story = story

    code, out, _ = shell.run(main, "--watch")

    assert code == 0
    assert out.splitlines()[1] == "network default, version 5: done: every node is in step"


def test_scripts_get_a_document_a_line_for_each_change() -> None:
    shell = Shell(rolling())

    async def story(store: MemoryStore) -> None:
        await shell.told('"state": "running"')
        await put(store, in_step(6))

    shell.story = story

    code, out, _ = shell.run(main, "--watch", "--json")

    documents = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(each["state"], each["done"]) for each in documents] == [("running", 0), ("done", 4)]


def test_a_terminal_is_drawn_anew_and_keeps_the_last_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    shell = Shell(rolling(), terminal=True)

    async def story(store: MemoryStore) -> None:
        await shell.told("waiting")
        await put(store, in_step(6))

    shell.story = story

    code, out, _ = shell.run(main, "--watch")

    assert code == 0
    assert "\x1b[1A" in out  # the cursor went up to draw over
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.rpartition("\x1b[1A")[2])
    assert "version 6: done: every node is in step" in last
    assert "waiting" not in last
