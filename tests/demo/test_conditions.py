"""Every condition of the demo can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar_demo import conditions
from sidecar_demo.network import FileStamp
from tests.demo.fakes import LIST, FakeNode, fake_node


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    """A healthy node."""
    found = fake_node(tmp_path)
    found.add_incarnation(at=1)
    return found


def test_a_file_with_another_list_is_reported(node: FakeNode) -> None:
    assert conditions.files_hold([node], LIST)() is None
    assert conditions.files_hold([node], LIST[::-1])() == f"fed-1's file has {', '.join(LIST)}"
    node.edit(FederatedServers=["http://localhost:6666"])
    assert conditions.files_hold([node], LIST)() == "fed-1's file has http://localhost:6666"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"FederatedServers": 1}'])
def test_an_unreadable_file_has_no_list(node: FakeNode, text: str) -> None:
    node.file.write_text(text)
    assert conditions.files_hold([node], LIST)() == "fed-1's file has no list"


def test_a_node_is_up_to_date_if_file_sidecar_and_process_agree(node: FakeNode) -> None:
    assert conditions.in_step([node], LIST)() is None


@pytest.mark.parametrize(
    ("says", "failure"),
    [
        ({"phase": "restart-pending", "reason": "waits"}, "fed-1 is restart-pending (waits)"),
        ({"ready": False}, "fed-1 is running (in step)"),
        ({"loaded_version": 2}, "fed-1 has loaded version 2 of 3"),
    ],
)
def test_a_sidecar_that_is_not_ready_is_not_up_to_date(
    node: FakeNode, says: dict[str, object], failure: str
) -> None:
    node.set_status(**says)
    assert conditions.in_step([node], LIST)() == failure


def test_a_sidecar_without_an_answer_is_not_up_to_date(node: FakeNode) -> None:
    node.status = None
    assert conditions.in_step([node], LIST)() == "fed-1's sidecar does not answer"


def test_a_process_with_another_list_is_not_up_to_date(node: FakeNode) -> None:
    node.add_incarnation(at=5, servers=LIST[:1])
    assert conditions.in_step([node], LIST)() == f"fed-1's process has loaded {LIST[0]}"


def test_an_ended_process_is_not_up_to_date(node: FakeNode) -> None:
    node.add_incarnation(at=5, until=7)
    assert conditions.in_step([node], LIST)() == "fed-1's process does not run"


def test_a_wrong_number_of_starts_is_reported(node: FakeNode) -> None:
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


def test_a_process_that_answers_is_not_down(node: FakeNode) -> None:
    assert conditions.process_is_down(node)() == "fed-1's process answers (pid 11)"
    node.pid = None
    assert conditions.process_is_down(node)() is None


def test_a_file_rewritten_with_the_same_text_counts_as_written(node: FakeNode) -> None:
    stamps = {"fed-1": FileStamp.of(node.file)}
    assert conditions.files_unchanged([node], stamps)() is None
    copy = node.file.with_suffix(".new")
    copy.write_text(node.file.read_text())
    copy.replace(node.file)
    assert conditions.files_unchanged([node], stamps)() == "fed-1's file was written"


def test_a_forged_list_loaded_once_is_reported(node: FakeNode) -> None:
    assert conditions.never_loaded(node, "http://localhost:6666")() is None
    node.add_incarnation(at=5, servers=("http://localhost:6666",), pid=66)
    node.add_incarnation(at=9)
    assert (
        conditions.never_loaded(node, "http://localhost:6666")() == "fed-1's process has loaded it (pid 66)"
    )


def test_a_sidecar_in_another_phase_is_reported(node: FakeNode) -> None:
    assert conditions.phase_is(node, "running")() is None
    assert conditions.phase_is(node, "refused")() == "fed-1 is running (in step)"
    node.status = None
    assert conditions.phase_is(node, "refused")() == "fed-1's sidecar does not answer"


def test_only_a_node_that_reports_it_is_the_leader(node: FakeNode) -> None:
    assert conditions.is_leader(node)() == "fed-1 is not the leader"
    node.set_status(leading=True)
    assert conditions.is_leader(node)() is None


def test_a_sidecar_with_another_process_has_not_adopted_this_one(node: FakeNode) -> None:
    assert conditions.adopted(node, 11)() is None
    assert conditions.adopted(node, 12)() == "fed-1's sidecar supervises 11, not 12"
    node.status = None
    assert conditions.adopted(node, 11)() == "fed-1's sidecar does not answer"


def test_a_lease_that_is_alive_is_reported(node: FakeNode) -> None:
    assert conditions.leases_expired([node])() == "fed-1's lease is alive"
    node.set_status(lease_alive=False)
    assert conditions.leases_expired([node])() is None
    node.status = None
    assert conditions.leases_expired([node])() == "fed-1's sidecar does not answer"


def test_a_line_missing_in_the_log_is_reported(node: FakeNode) -> None:
    assert conditions.log_contains(node, "a stranger")() == f"'a stranger' is not in {node.log}"
    node.log.write_text("refused: a stranger\n")
    assert conditions.log_contains(node, "a stranger")() is None


def restarted(folder: Path, name: str, left: float, back: float) -> FakeNode:
    """A node whose process was down from ``left`` to ``back``."""
    node = fake_node(folder, name)
    node.add_incarnation(at=1, until=left)
    node.add_incarnation(at=back - 1)
    return node


def test_consecutive_restarts_are_one_at_a_time(tmp_path: Path) -> None:
    nodes = [restarted(tmp_path, "fed-1", 10, 12), restarted(tmp_path, "fed-2", 12, 14)]
    assert conditions.restarted_one_at_a_time(nodes, since=5)() is None


def test_overlapping_restarts_are_not_one_at_a_time(tmp_path: Path) -> None:
    nodes = [restarted(tmp_path, "fed-1", 10, 13), restarted(tmp_path, "fed-2", 12, 15)]
    assert (
        conditions.restarted_one_at_a_time(nodes, since=5)() == "fed-1 and fed-2 were down at the same time"
    )
    assert conditions.restarted_one_at_a_time(nodes, since=20)() is None


def test_a_process_that_never_served_again_stays_down(tmp_path: Path) -> None:
    one, other = fake_node(tmp_path, "fed-1"), restarted(tmp_path, "fed-2", 100, 102)
    one.add_incarnation(at=1, until=10)
    one.add_events({"event": "start", "at": 11, "pid": 12, "FederatedServers": LIST})
    assert (
        conditions.restarted_one_at_a_time([one, other], since=5)()
        == "fed-1 and fed-2 were down at the same time"
    )


def test_a_killed_process_may_have_been_down_since_it_served(tmp_path: Path) -> None:
    one, other = fake_node(tmp_path, "fed-1"), restarted(tmp_path, "fed-2", 10, 12)
    one.add_incarnation(at=1)
    one.add_incarnation(at=20)
    assert (
        conditions.restarted_one_at_a_time([one, other], since=5)()
        == "fed-1 and fed-2 were down at the same time"
    )
