"""What the demo prints where there is no terminal, and at its end."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sidecar.domain.identity import Role
from sidecar_demo.acts import ACTS
from sidecar_demo.closing import Closing
from sidecar_demo.panel import files_table, network_table
from sidecar_demo.screen import Screen
from sidecar_demo.watching import look
from tests.cli.demo_stage import LIST, puppet, stage


def text_of(renderable: object, width: int) -> str:
    out = StringIO()
    Console(file=out, width=width).print(renderable)
    return out.getvalue()


def test_a_check_is_a_line_with_what_it_took(tmp_path: Path) -> None:
    found, out = stage(tmp_path)
    found.checks.clock = iter((5.0, 6.5)).__next__
    found.checks.wait("it holds", lambda: None)
    line = out.getvalue()
    assert line.startswith("     ✓ it holds  ")
    assert line.endswith("1.50 s\n")
    assert len(line) == 80


def test_without_a_terminal_nothing_is_drawn_live(tmp_path: Path) -> None:
    found, out = stage(tmp_path, puppet(tmp_path))
    with found.screen.live(lambda: [look(node) for node in found.nodes.values()]):
        found.tell("something happens")
    assert out.getvalue() == "     → something happens\n"


def test_a_check_that_failed_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    found, out = stage(tmp_path)
    found.checks.expect("all is well", lambda: "it is not")
    assert out.getvalue() == "     ✗ all is well\n       it is not\n"


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.title)
def test_the_story_of_an_act_fits_a_line(act: object) -> None:
    assert len(getattr(act, "story", "")) <= 75


def test_five_files_stand_side_by_side_on_80_columns(tmp_path: Path) -> None:
    found, out = stage(tmp_path)
    nodes = [puppet(tmp_path, f"fed-{number}") for number in range(1, 5)]
    nodes.append(puppet(tmp_path, "db-1", Role.DATABASE))
    found.screen.files(nodes)
    lines = out.getvalue().split("\n")
    assert max(map(len, lines)) <= 80
    assert lines[1].split() == ["fed-1", "fed-2", "fed-3", "fed-4", "db-1"]
    assert lines[2].split() == ["federated.json"] * 4 + ["config.json"]
    assert lines[3].split() == ["localhost:9000"] * 5
    assert lines[4].split() == ["localhost:9001"] * 5


def test_a_file_that_lacks_a_server_shows_the_gap(tmp_path: Path) -> None:
    nodes = [puppet(tmp_path, "fed-1"), puppet(tmp_path, "fed-2", servers=LIST[:1])]
    shown = text_of(files_table(nodes, short=False), 120).splitlines()
    assert shown[3].split() == [LIST[1], "-"]


def test_the_network_shows_who_leads_what_runs_and_what_the_files_name(tmp_path: Path) -> None:
    leader, down = puppet(tmp_path, "fed-1"), puppet(tmp_path, "fed-2")
    leader.lived(at=1)
    leader.says(leading=True)
    down.lived(at=1, until=5)
    down.seen = down.pid = None
    waiting = puppet(tmp_path, "fed-3")
    waiting.seen = waiting.pid = None
    shown = text_of(network_table([look(node) for node in (leader, down, waiting)], why=True), 120)
    _, first, second, *others = shown.splitlines()
    assert first.split() == ["★", "fed-1", "running", "●", "start", "1", "9000", "9001", "in", "step"]
    assert second.split() == ["fed-2", "down", "○", "stopped", "9000", "9001"]
    assert others == []  # who has not been on the stage is not shown


def test_the_end_counts_what_passed(tmp_path: Path) -> None:
    found, out = stage(tmp_path)
    found.checks.expect("one", lambda: None)
    found.checks.expect("another", lambda: None)
    Closing(found).tell([], 12.34)
    assert "✓ 2 checks passed in 12.3 s" in out.getvalue()


def test_the_end_names_what_failed_what_was_not_played_and_what_the_sidecar_said(tmp_path: Path) -> None:
    node = puppet(tmp_path)
    node.log.write_text("an old line\n" * 50 + "the last line\n")
    found, out = stage(tmp_path, node)
    found.checks.expect("all is well", lambda: "it is not", "fed-1")
    found.checks.expect("this is well", lambda: None, "fed-1")
    Closing(found).tell(["The leader dies"], 12.34)
    text = out.getvalue()
    assert " ✗ all is well\n   it is not\n" in text
    assert "not played to the end: The leader dies" in text
    assert "the last line\n" in text
    assert text.count("an old line") < 10
    assert "✗ 1 of 2 checks failed in 12.3 s" in text
    assert f"kept in {tmp_path}\n" in text


def test_whoever_plays_is_told_how(tmp_path: Path) -> None:
    node = puppet(tmp_path)
    found, out = stage(tmp_path, node)
    Closing(found).invite()
    text = out.getvalue()
    assert "export SIDECAR_ETCD=http://127.0.0.1:1 SIDECAR_NETWORK=demo\n" in text
    assert f"{node.file}\n" in text
    assert "http://127.0.0.1:9180/" in text
    assert "Ctrl-C stops everything" in text


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_network_and_the_progress_are_drawn_below_the_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    out, node = Terminal(), puppet(tmp_path)
    node.lived(at=1)
    screen = Screen(out, acts=2)
    screen.act("An act", "Its story.")
    sight = look(node)
    with screen.waiting("it holds"), screen.live(lambda: [sight]):
        screen.tell("something happens")
    text = out.getvalue()
    assert "something happens" in text
    drawn = text[text.index("something happens") :]
    assert "it holds" in drawn
    assert "fed-1" in drawn
    assert "act 1 of 2 · 0 checks" in drawn
