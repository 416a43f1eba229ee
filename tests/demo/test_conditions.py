"""Every question that the demo asks can be answered with no."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar_demo import conditions
from sidecar_demo.network import FileStamp
from tests.demo.fakes import LIST, FakeNode, fake_node


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    """A node with which all is well."""
    found = fake_node(tmp_path)
    found.add_incarnation(at=1)
    return found


def test_a_file_with_another_list_is_complained_of(node: FakeNode) -> None:
    assert conditions.files_hold([node], LIST)() is None
    assert conditions.files_hold([node], LIST[::-1])() == f"fed-1's file has {', '.join(LIST)}"
    node.edit(FederatedServers=["http://localhost:6666"])
    assert conditions.files_hold([node], LIST)() == "fed-1's file has http://localhost:6666"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"FederatedServers": 1}'])
def test_a_file_that_cannot_be_read_holds_nothing(node: FakeNode, text: str) -> None:
    node.file.write_text(text)
    assert conditions.files_hold([node], LIST)() == "fed-1's file has no list"


def test_a_node_is_in_step_when_file_sidecar_and_process_agree(node: FakeNode) -> None:
    assert conditions.in_step([node], LIST)() is None


@pytest.mark.parametrize(
    ("says", "failure"),
    [
        ({"phase": "restart-pending", "reason": "waits"}, "fed-1 is restart-pending (waits)"),
        ({"ready": False}, "fed-1 is running (in step)"),
        ({"loaded_version": 2}, "fed-1 has loaded version 2 of 3"),
    ],
)
def test_a_sidecar_that_is_not_content_is_not_in_step(
    node: FakeNode, says: dict[str, object], failure: str
) -> None:
    node.set_status(**says)
    assert conditions.in_step([node], LIST)() == failure


def test_a_sidecar_that_does_not_answer_is_not_in_step(node: FakeNode) -> None:
    node.status = None
    assert conditions.in_step([node], LIST)() == "fed-1's sidecar does not answer"


def test_a_process_that_loaded_another_list_is_not_in_step(node: FakeNode) -> None:
    node.add_incarnation(at=5, servers=LIST[:1])
    assert conditions.in_step([node], LIST)() == f"fed-1's process has loaded {LIST[0]}"


def test_a_process_that_ended_is_not_in_step(node: FakeNode) -> None:
    node.add_incarnation(at=5, until=7)
    assert conditions.in_step([node], LIST)() == "fed-1's process does not run"


def test_a_start_too_many_or_too_few_is_complained_of(node: FakeNode) -> None:
    assert conditions.start_counts_match([node], {"fed-1": 1})() is None
    assert (
        conditions.start_counts_match([node], {"fed-1": 2})() == "fed-1's process was started 1 times, not 2"
    )
    node.add_incarnation(at=5)
    assert (
        conditions.start_counts_match([node], {"fed-1": 1})() == "fed-1's process was started 2 times, not 1"
    )


def test_another_process_is_not_the_same(node: FakeNode) -> None:
    assert conditions.same_processes_answer([node], {"fed-1": 11})() is None
    node.pid = 12
    assert conditions.same_processes_answer([node], {"fed-1": 11})() == "fed-1's process is 12, not 11"
    node.pid = None
    assert conditions.same_processes_answer([node], {"fed-1": None})() == "fed-1's process does not answer"
    assert conditions.process_runs(node)() == "fed-1's process does not answer"


def test_a_process_that_answers_is_not_stopped(node: FakeNode) -> None:
    assert conditions.process_is_down(node)() == "fed-1's process answers (pid 11)"
    node.pid = None
    assert conditions.process_is_down(node)() is None


def test_a_file_written_with_the_same_text_was_written(node: FakeNode) -> None:
    stamps = {"fed-1": FileStamp.of(node.file)}
    assert conditions.files_unchanged([node], stamps)() is None
    copy = node.file.with_suffix(".new")
    copy.write_text(node.file.read_text())
    copy.replace(node.file)
    assert conditions.files_unchanged([node], stamps)() == "fed-1's file was written"


def test_a_forged_list_that_was_seen_once_was_seen(node: FakeNode) -> None:
    assert conditions.never_loaded(node, "http://localhost:6666")() is None
    node.add_incarnation(at=5, servers=("http://localhost:6666",), pid=66)
    node.add_incarnation(at=9)
    assert (
        conditions.never_loaded(node, "http://localhost:6666")() == "fed-1's process has loaded it (pid 66)"
    )


def test_a_sidecar_in_another_phase_is_complained_of(node: FakeNode) -> None:
    assert conditions.phase_is(node, "running")() is None
    assert conditions.phase_is(node, "refused")() == "fed-1 is running (in step)"
    node.status = None
    assert conditions.phase_is(node, "refused")() == "fed-1's sidecar does not answer"


def test_only_who_says_so_leads(node: FakeNode) -> None:
    assert conditions.is_leader(node)() == "fed-1 is not the leader"
    node.set_status(leading=True)
    assert conditions.is_leader(node)() is None


def test_a_sidecar_that_looks_after_another_process_has_not_adopted_this_one(node: FakeNode) -> None:
    assert conditions.adopted(node, 11)() is None
    assert conditions.adopted(node, 12)() == "fed-1's sidecar supervises 11, not 12"
    node.status = None
    assert conditions.adopted(node, 11)() == "fed-1's sidecar does not answer"


def test_a_lease_that_is_alive_is_told(node: FakeNode) -> None:
    assert conditions.leases_expired([node])() == "fed-1's lease is alive"
    node.set_status(lease_alive=False)
    assert conditions.leases_expired([node])() is None
    node.status = None
    assert conditions.leases_expired([node])() == "fed-1's sidecar does not answer"


def test_what_is_not_in_the_log_was_not_logged(node: FakeNode) -> None:
    assert conditions.log_contains(node, "a stranger")() == f"'a stranger' is not in {node.log}"
    node.log.write_text("refused: a stranger\n")
    assert conditions.log_contains(node, "a stranger")() is None


def restarted(folder: Path, name: str, left: float, back: float) -> FakeNode:
    """A node whose process was away from ``left`` to ``back``."""
    node = fake_node(folder, name)
    node.add_incarnation(at=1, until=left)
    node.add_incarnation(at=back - 1)
    return node


def test_restarts_that_follow_each_other_took_turns(tmp_path: Path) -> None:
    nodes = [restarted(tmp_path, "fed-1", 10, 12), restarted(tmp_path, "fed-2", 12, 14)]
    assert conditions.restarted_one_at_a_time(nodes, since=5)() is None


def test_restarts_that_overlap_did_not_take_turns(tmp_path: Path) -> None:
    nodes = [restarted(tmp_path, "fed-1", 10, 13), restarted(tmp_path, "fed-2", 12, 15)]
    assert (
        conditions.restarted_one_at_a_time(nodes, since=5)() == "fed-1 and fed-2 were down at the same time"
    )
    assert conditions.restarted_one_at_a_time(nodes, since=20)() is None


def test_a_process_that_never_came_back_is_down_for_good(tmp_path: Path) -> None:
    one, other = fake_node(tmp_path, "fed-1"), restarted(tmp_path, "fed-2", 100, 102)
    one.add_incarnation(at=1, until=10)
    one.add_events({"event": "start", "at": 11, "pid": 12, "FederatedServers": LIST})
    assert (
        conditions.restarted_one_at_a_time([one, other], since=5)()
        == "fed-1 and fed-2 were down at the same time"
    )


def test_a_process_that_was_killed_was_away_nobody_knows_since_when(tmp_path: Path) -> None:
    one, other = fake_node(tmp_path, "fed-1"), restarted(tmp_path, "fed-2", 10, 12)
    one.add_incarnation(at=1)
    one.add_incarnation(at=20)
    assert (
        conditions.restarted_one_at_a_time([one, other], since=5)()
        == "fed-1 and fed-2 were down at the same time"
    )
