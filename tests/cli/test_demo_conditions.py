"""Every question that the demo asks can be answered with no."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar_demo import conditions
from sidecar_demo.stage import Stamp
from tests.cli.demo_stage import LIST, Puppet, puppet


@pytest.fixture
def node(tmp_path: Path) -> Puppet:
    """A node with which all is well."""
    found = puppet(tmp_path)
    found.lived(at=1)
    return found


def test_a_file_with_another_list_is_complained_of(node: Puppet) -> None:
    assert conditions.hold([node], LIST)() is None
    assert conditions.hold([node], LIST[::-1])() == f"fed-1's file holds {', '.join(LIST)}"
    node.edit(FederatedServers=["http://localhost:6666"])
    assert conditions.hold([node], LIST)() == "fed-1's file holds http://localhost:6666"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"FederatedServers": 1}'])
def test_a_file_that_cannot_be_read_holds_nothing(node: Puppet, text: str) -> None:
    node.file.write_text(text)
    assert conditions.hold([node], LIST)() == "fed-1's file holds no list"


def test_a_node_is_in_step_when_file_sidecar_and_process_agree(node: Puppet) -> None:
    assert conditions.in_step([node], LIST)() is None


@pytest.mark.parametrize(
    ("says", "complaint"),
    [
        ({"phase": "restart-pending", "reason": "waits"}, "fed-1 is restart-pending (waits)"),
        ({"ready": False}, "fed-1 is running (in step)"),
        ({"loaded_version": 2}, "fed-1 runs on version 2 of 3"),
    ],
)
def test_a_sidecar_that_is_not_content_is_not_in_step(
    node: Puppet, says: dict[str, object], complaint: str
) -> None:
    node.says(**says)
    assert conditions.in_step([node], LIST)() == complaint


def test_a_sidecar_that_does_not_answer_is_not_in_step(node: Puppet) -> None:
    node.seen = None
    assert conditions.in_step([node], LIST)() == "fed-1's sidecar does not answer"


def test_a_process_that_loaded_another_list_is_not_in_step(node: Puppet) -> None:
    node.lived(at=5, servers=LIST[:1])
    assert conditions.in_step([node], LIST)() == f"fed-1's process runs on {LIST[0]}"


def test_a_process_that_ended_is_not_in_step(node: Puppet) -> None:
    node.lived(at=5, until=7)
    assert conditions.in_step([node], LIST)() == "fed-1's process does not run"


def test_a_start_too_many_or_too_few_is_complained_of(node: Puppet) -> None:
    assert conditions.started([node], {"fed-1": 1})() is None
    assert conditions.started([node], {"fed-1": 2})() == "fed-1's process was started 1 times, not 2"
    node.lived(at=5)
    assert conditions.started([node], {"fed-1": 1})() == "fed-1's process was started 2 times, not 1"


def test_another_process_is_not_the_same(node: Puppet) -> None:
    assert conditions.answers_as([node], {"fed-1": 11})() is None
    node.pid = 12
    assert conditions.answers_as([node], {"fed-1": 11})() == "fed-1's process is 12, not 11"
    node.pid = None
    assert conditions.answers_as([node], {"fed-1": None})() == "fed-1's process does not answer"
    assert conditions.runs(node)() == "fed-1's process does not answer"


def test_a_process_that_answers_is_not_stopped(node: Puppet) -> None:
    assert conditions.silent(node)() == "fed-1's process answers (pid 11)"
    node.pid = None
    assert conditions.silent(node)() is None


def test_a_file_written_with_the_same_text_was_written(node: Puppet) -> None:
    stamps = {"fed-1": Stamp.of(node.file)}
    assert conditions.untouched([node], stamps)() is None
    copy = node.file.with_suffix(".new")
    copy.write_text(node.file.read_text())
    copy.replace(node.file)
    assert conditions.untouched([node], stamps)() == "fed-1's file was written"


def test_a_forged_list_that_was_seen_once_was_seen(node: Puppet) -> None:
    assert conditions.never_saw(node, "http://localhost:6666")() is None
    node.lived(at=5, servers=("http://localhost:6666",), pid=66)
    node.lived(at=9)
    assert conditions.never_saw(node, "http://localhost:6666")() == "fed-1's process has loaded it (pid 66)"


def test_a_sidecar_in_another_phase_is_complained_of(node: Puppet) -> None:
    assert conditions.phase_is(node, "running")() is None
    assert conditions.phase_is(node, "refused")() == "fed-1 is running (in step)"
    node.seen = None
    assert conditions.phase_is(node, "refused")() == "fed-1's sidecar does not answer"


def test_only_who_says_so_leads(node: Puppet) -> None:
    assert conditions.leads(node)() == "fed-1 does not lead"
    node.says(leading=True)
    assert conditions.leads(node)() is None


def test_a_sidecar_that_looks_after_another_process_has_not_adopted_this_one(node: Puppet) -> None:
    assert conditions.adopted(node, 11)() is None
    assert conditions.adopted(node, 12)() == "fed-1's sidecar looks after 11, not 12"
    node.seen = None
    assert conditions.adopted(node, 11)() == "fed-1's sidecar does not answer"


def test_a_lease_that_is_alive_is_told(node: Puppet) -> None:
    assert conditions.without_lease([node])() == "fed-1's lease is alive"
    node.says(lease_alive=False)
    assert conditions.without_lease([node])() is None
    node.seen = None
    assert conditions.without_lease([node])() == "fed-1's sidecar does not answer"


def test_what_is_not_in_the_log_was_not_logged(node: Puppet) -> None:
    assert conditions.logged(node, "a stranger")() == f"'a stranger' does not stand in {node.log}"
    node.log.write_text("refused: a stranger\n")
    assert conditions.logged(node, "a stranger")() is None


def restarted(folder: Path, name: str, left: float, back: float) -> Puppet:
    """A node whose process was away from ``left`` to ``back``."""
    node = puppet(folder, name)
    node.lived(at=1, until=left)
    node.lived(at=back - 1)
    return node


def test_restarts_that_follow_each_other_took_turns(tmp_path: Path) -> None:
    nodes = [restarted(tmp_path, "fed-1", 10, 12), restarted(tmp_path, "fed-2", 12, 14)]
    assert conditions.took_turns(nodes, since=5)() is None


def test_restarts_that_overlap_did_not_take_turns(tmp_path: Path) -> None:
    nodes = [restarted(tmp_path, "fed-1", 10, 13), restarted(tmp_path, "fed-2", 12, 15)]
    assert conditions.took_turns(nodes, since=5)() == "fed-1 and fed-2 were down at the same time"
    assert conditions.took_turns(nodes, since=20)() is None


def test_a_process_that_never_came_back_is_down_for_good(tmp_path: Path) -> None:
    one, other = puppet(tmp_path, "fed-1"), restarted(tmp_path, "fed-2", 100, 102)
    one.lived(at=1, until=10)
    one.wrote({"event": "start", "at": 11, "pid": 12, "FederatedServers": LIST})
    assert conditions.took_turns([one, other], since=5)() == "fed-1 and fed-2 were down at the same time"


def test_a_process_that_was_killed_was_away_nobody_knows_since_when(tmp_path: Path) -> None:
    one, other = puppet(tmp_path, "fed-1"), restarted(tmp_path, "fed-2", 10, 12)
    one.lived(at=1)
    one.lived(at=20)
    assert conditions.took_turns([one, other], since=5)() == "fed-1 and fed-2 were down at the same time"
