"""The output of the demo without a terminal, and its summary."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sidecar.domain.identity import Role
from sidecar_demo.poller import take_snapshot
from sidecar_demo.run_report import RunReport
from sidecar_demo.screen import Screen
from sidecar_demo.steps import STEPS
from sidecar_demo.tables import files_table, network_table
from tests.demo.fakes import LIST, demo_network, fake_node


def text_of(renderable: object, width: int) -> str:
    out = StringIO()
    Console(file=out, width=width).print(renderable)
    return out.getvalue()


def test_a_check_is_one_line_with_its_duration(tmp_path: Path) -> None:
    found, out = demo_network(tmp_path)
    found.checks.clock = iter((5.0, 6.5)).__next__
    found.checks.wait("it holds", lambda: None)
    line = out.getvalue()
    assert line.startswith("     ✓ it holds  ")
    assert line.endswith("1.50 s\n")
    assert len(line) == 80


def test_without_a_terminal_nothing_is_drawn_live(tmp_path: Path) -> None:
    found, out = demo_network(tmp_path, fake_node(tmp_path))
    with found.screen.live(lambda: [take_snapshot(node) for node in found.nodes.values()]):
        found.announce("something happens")
    assert out.getvalue() == "     → something happens\n"


def test_a_failed_check_is_shown_with_its_reason(tmp_path: Path) -> None:
    found, out = demo_network(tmp_path)
    found.checks.expect("all is well", lambda: "it is not")
    assert out.getvalue() == "     ✗ all is well\n       it is not\n"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_the_description_of_a_step_fits_one_line(step: object) -> None:
    assert len(getattr(step, "description", "")) <= 75


def test_five_files_fit_side_by_side_into_80_columns(tmp_path: Path) -> None:
    found, out = demo_network(tmp_path)
    nodes = [fake_node(tmp_path, f"fed-{number}") for number in range(1, 5)]
    nodes.append(fake_node(tmp_path, "db-1", Role.DATABASE))
    found.screen.files(nodes)
    lines = out.getvalue().split("\n")
    assert max(map(len, lines)) <= 80
    assert lines[1].split() == ["fed-1", "fed-2", "fed-3", "fed-4", "db-1"]
    assert lines[2].split() == ["federated.json"] * 4 + ["config.json"]
    assert lines[3].split() == ["localhost:9000"] * 5
    assert lines[4].split() == ["localhost:9001"] * 5


def test_a_file_without_a_server_shows_the_gap(tmp_path: Path) -> None:
    nodes = [fake_node(tmp_path, "fed-1"), fake_node(tmp_path, "fed-2", servers=LIST[:1])]
    shown = text_of(files_table(nodes, short=False), 120).splitlines()
    assert shown[3].split() == [LIST[1], "-"]


def test_the_network_table_shows_leader_processes_and_files(tmp_path: Path) -> None:
    leader, down = fake_node(tmp_path, "fed-1"), fake_node(tmp_path, "fed-2")
    leader.add_incarnation(at=1)
    leader.set_status(leading=True)
    down.add_incarnation(at=1, until=5)
    down.status = down.pid = None
    waiting = fake_node(tmp_path, "fed-3")
    waiting.status = waiting.pid = None
    shown = text_of(
        network_table([take_snapshot(node) for node in (leader, down, waiting)], show_reasons=True), 120
    )
    _, first, second, *others = shown.splitlines()
    assert first.split() == ["★", "fed-1", "running", "●", "start", "1", "9000", "9001", "in", "step"]
    assert second.split() == ["fed-2", "down", "○", "stopped", "9000", "9001"]
    assert others == []  # nodes outside the network are not shown


def test_the_summary_counts_passed_checks(tmp_path: Path) -> None:
    found, out = demo_network(tmp_path)
    found.checks.expect("one", lambda: None)
    found.checks.expect("another", lambda: None)
    RunReport(found).print_summary([], 12.34)
    assert "✓ 2 checks passed in 12.3 s" in out.getvalue()


def test_the_summary_shows_failures_unfinished_steps_and_logs(tmp_path: Path) -> None:
    node = fake_node(tmp_path)
    node.log.write_text("an old line\n" * 50 + "the last line\n")
    found, out = demo_network(tmp_path, node)
    found.checks.expect("all is well", lambda: "it is not", "fed-1")
    found.checks.expect("this is well", lambda: None, "fed-1")
    RunReport(found).print_summary(["The leader dies"], 12.34)
    text = out.getvalue()
    assert " ✗ all is well\n   it is not\n" in text
    assert "not finished: The leader dies" in text
    assert "the last line\n" in text
    assert text.count("an old line") < 10
    assert "✗ 1 of 2 checks failed in 12.3 s" in text
    assert f"kept in {tmp_path}\n" in text


def test_a_kept_network_comes_with_instructions(tmp_path: Path) -> None:
    node = fake_node(tmp_path)
    found, out = demo_network(tmp_path, node)
    RunReport(found).print_instructions()
    text = out.getvalue()
    assert "export SIDECAR_ETCD=http://127.0.0.1:1 SIDECAR_NETWORK=demo\n" in text
    assert f"{node.file}\n" in text
    assert "http://127.0.0.1:9180/" in text
    assert "Ctrl-C stops everything" in text


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_network_and_progress_are_drawn_below_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    out, node = Terminal(), fake_node(tmp_path)
    node.add_incarnation(at=1)
    screen = Screen(out, steps=2)
    screen.begin_step("An step", "Its description.")
    snapshot = take_snapshot(node)
    with screen.waiting("it holds"), screen.live(lambda: [snapshot]):
        screen.announce("something happens")
    text = out.getvalue()
    assert "something happens" in text
    drawn = text[text.index("something happens") :]
    assert "it holds" in drawn
    assert "fed-1" in drawn
    assert "step 1 of 2 · 0 checks" in drawn
