"""`rollout status`: the progress of a version, for people and for scripts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from sidecar.cli.rollout.status import main
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import BlockKind, Exemption, Grant, RolloutBlock
from sidecar.domain.servers import NodeID
from tests.cli.network import KEYS, ONE, THREE, TWO, Shell, canonical
from tests.cli.rollout.records import AT, in_step, reported, rolling, waiting, without

FAILED = Grant(6, 1, 1.0, failed="died: exit code 3")


def shown(records: dict[str, Record]) -> str:
    code, out, err = Shell(records).run(main)
    assert (code, err) == (0, "")
    return out


def document(records: dict[str, Record]) -> Any:
    return json.loads(Shell(records).run(main, "--json")[1])


def halted(healthy: Canonical | None = None) -> dict[str, Record]:
    """fed-1 crashed during its restart; ``healthy`` is the last list that every node was healthy on."""
    records = rolling() | reported("fed-1", phase=Phase.CRASHED, healthy=False, reason="exit code 3")
    records[KEYS.grant(NodeID("fed-1"))] = FAILED
    return records | ({KEYS.last_healthy: healthy} if healthy else {})


def last_line(out: str) -> str:
    return out.splitlines()[-1]


def test_status_help_fits_a_screen_and_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Shell().run(main, "--help")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "usage: sidecar rollout status [--watch] [OPTION]…"
    assert lines[-1] == "  sidecar rollout status --watch"
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_a_pipe_gets_state_bars_and_a_table_in_restart_order() -> None:
    records = rolling() | reported("fed-1", loaded_version=6)

    assert shown(records) == (
        "network default, version 6: running: the next restart is about to be granted\n"
        "servers         [##########--------------------]  1/3\n"
        "database nodes  [------------------------------]  0/1\n"
        "\n"
        "NODE   ROLE      PROGRESS  LIST  GRANT  WHY\n"
        "fed-1  server    done      6     -      in step\n"
        "fed-3  server    waiting   5     -      runs on version 5\n"
        "fed-2  leader    waiting   5     -      runs on version 5\n"
        "db-1   database  waiting   5     -      runs on version 5\n"
    )


def test_a_grant_shows_its_age() -> None:
    records = rolling() | {KEYS.grant(NodeID("fed-1")): Grant(6, 1, 4e9)}

    out = shown(records)

    assert re.search(r"^fed-1 +server +restarting +5 +0s +is about to restart$", out, re.MULTILINE)
    assert "version 6: running: fed-1 is about to restart\n" in out


def test_a_failure_is_shown_with_node_reason_and_remedies() -> None:
    out = shown(halted(canonical(5, ONE, TWO)))

    assert out.startswith("network default, version 6: halted: fed-1 died: exit code 3\n")
    assert re.search(r"^fed-1 +server +failed ", out, re.MULTILINE)
    assert last_line(out) == (
        "next: repair fed-1 and restart it (`sidecar rollout retry fed-1`); "
        "or continue without it (`sidecar rollout skip fed-1`); or undo the change (`sidecar rollback 5`)"
    )


def test_no_rollback_is_proposed_without_an_earlier_list() -> None:
    assert "rollback" not in shown(halted())
    assert "rollback" not in shown(halted(canonical(5)))  # the same list


def test_a_pause_is_shown_with_its_operator_and_the_remedy() -> None:
    out = shown(
        rolling() | {KEYS.rollout_block: RolloutBlock(BlockKind.PAUSED, 6, "ann paused it: lunch", AT, "ann")}
    )

    assert out.startswith("network default, version 6: paused: ann paused it: lunch\n")
    assert last_line(out) == "next: to continue, `sidecar rollout resume`"


def test_the_rollout_waits_for_a_node_that_is_away() -> None:
    out = shown(without(rolling(), KEYS.report(NodeID("fed-3"))))

    assert out.startswith("network default, version 6: waiting: fed-3 is away: its sidecar is down, or")
    assert last_line(out).startswith(
        "next: repair fed-3; or continue without it (`sidecar rollout skip fed-3`)"
    )


def test_a_starting_node_needs_no_action() -> None:
    out = shown(rolling() | reported("fed-3", phase=Phase.STARTING, healthy=False, reason="not probed yet"))

    assert "waiting: fed-3 is starting: not probed yet" in out
    assert "next:" not in out


def test_without_a_leader_the_rollout_waits() -> None:
    out = shown(without(rolling(), KEYS.candidate(99), KEYS.candidate(11)))

    assert "waiting: no leader, so no restart can be granted" in out
    assert last_line(out) == "next: start the sidecar of a server, so that a leader is elected"


@pytest.mark.parametrize(
    ("key", "step"),
    [
        (KEYS.pause(NodeID("fed-3")), "next: to include fed-3 again, `sidecar resume fed-3`"),
        (KEYS.skip(NodeID("fed-3")), "next: to restart fed-3 again, `sidecar rollout retry fed-3`"),
    ],
)
def test_an_excluded_node_can_be_included_again(key: str, step: str) -> None:
    out = shown(in_step() | waiting("fed-3", 4) | {key: Exemption(5, AT, "ann")})

    assert "version 5: done: fed-3 is " in out
    assert last_line(out) == step


def test_a_server_that_never_reported_is_named() -> None:
    four = replace(ONE, normal="http://localhost:9004", text="http://localhost:9004")
    out = shown(in_step() | {KEYS.canonical: canonical(5, ONE, TWO, THREE, four)})

    assert last_line(out) == "in the list, but never reported: http://localhost:9004"


def test_control_characters_in_a_reason_are_escaped() -> None:
    records = rolling() | reported("fed-3", phase=Phase.CRASHED, healthy=False, reason="\x1b[2Jgone\nfed-1")

    for terminal in (True, False):
        _, out, _ = Shell(records, terminal=terminal).run(main)
        assert "\x1b[2J" not in out
        assert "gone\n" not in out


def test_status_as_json_always_has_the_same_keys() -> None:
    running, stopped = document(rolling()), document(halted(canonical(5, ONE, TWO)))

    assert list(running) == list(stopped) == list(document(in_step()))
    assert (running["version"], running["state"], running["finished"]) == (6, "running", False)
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
        "grant": {"version": 6, "granted_at": 1.0, "already_unavailable": False},
    }
    assert list(second) == list(first)
    assert second["grant"] is None


def test_status_without_a_list_is_no_error() -> None:
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
