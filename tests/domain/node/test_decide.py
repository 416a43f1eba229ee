"""The node's decision, as a function of what it knows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.identity import Role
from sidecar.domain.node.actions import (
    AskToJoin,
    Decision,
    StartProcess,
    StopForRestart,
    StopProcess,
    WriteFile,
)
from sidecar.domain.node.decide import decide
from sidecar.domain.node.facts import Facts
from sidecar.domain.node.process import Exited, NotLaunched, Running
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.records.membership import Verdict, VerdictKind
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Grant
from sidecar.domain.servers import NodeID
from tests.builders import DATABASE, THREE, canonical, changed, document, node_view, server, servers
from tests.domain.node.views import booting, in_step

FOUR = servers(9000, 9001, 9002, 9004)
RESTARTING = Decision(Phase.RESTARTING, "into version 2")
GRANT = Grant(2, 5, 0.0)


def test_a_current_file_is_not_written_and_the_process_starts() -> None:
    decision = decide(booting(), 0.0)
    assert decision.action == StartProcess(THREE)


def test_a_healthy_node_in_step_does_nothing() -> None:
    decision = decide(in_step(), 0.0)
    assert (decision.phase, decision.action) == (Phase.RUNNING, None)


@pytest.mark.parametrize("forged", [(9000, 9001, 9002, 9666), (9000, 9001)], ids=["added", "taken out"])
def test_an_edited_file_is_restored_before_the_process_starts(forged: tuple[int, ...]) -> None:
    view = booting(document=document(*forged), last_known_good=VersionedServers(1, THREE))
    action = decide(view, 0.0).action
    assert isinstance(action, WriteFile)
    assert (action.servers, action.rejected) == (THREE, True)


def test_a_file_that_missed_a_change_is_updated_not_rejected() -> None:
    view = booting(
        canonical=canonical(9000, 9001, 9002, 9004, version=2), last_known_good=VersionedServers(1, THREE)
    )
    action = decide(view, 0.0).action
    assert isinstance(action, WriteFile)
    assert (action.servers, action.rejected) == (FOUR, False)


def test_the_file_is_updated_at_once_while_the_restart_waits() -> None:
    view = in_step(canonical=canonical(9000, 9001, 9002, 9004, version=2))
    assert isinstance(decide(view, 0.0).action, WriteFile)
    view = changed(view, document=document(9000, 9001, 9002, 9004), last_known_good=VersionedServers(2, FOUR))
    waiting = decide(view, 0.0)
    assert (waiting.phase, waiting.action) == (Phase.RESTART_PENDING, None)
    granted = decide(changed(view, grant=GRANT), 0.0)
    assert (granted.phase, granted.action) == (Phase.RESTARTING, StopForRestart(FOUR))


def test_the_file_is_updated_while_the_process_stops() -> None:
    view = in_step(canonical=canonical(9000, 9001, 9002, 9004, version=2), in_progress=RESTARTING)
    assert isinstance(decide(view, 0.0).action, WriteFile)
    view = changed(view, document=document(9000, 9001, 9002, 9004))
    assert decide(view, 0.0) == RESTARTING


def test_an_unused_older_grant_is_valid_for_a_newer_version() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, version=5),
        document=document(9000, 9001),
        state=Running(1, 0.0, servers(9000, 9001, 9002)),
        grant=GRANT,
    )
    assert decide(view, 0.0).action == StopForRestart(servers(9000, 9001))


def test_a_serving_node_does_not_use_a_grant_for_unavailable_nodes() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, 9002, 9004, version=2),
        document=document(9000, 9001, 9002, 9004),
        grant=replace(GRANT, already_unavailable=True),
    )
    assert decide(view, 0.0).action is None
    assert decide(changed(view, healthy=False), 0.0).action == StopForRestart(FOUR)


def test_a_grant_is_used_up_by_loading_its_version() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, version=3),
        document=document(9000, 9001),
        grant=GRANT,
        loaded_version=2,
    )
    assert decide(view, 0.0).action is None


def test_without_etcd_nothing_is_stopped_or_restarted() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, 9002, 9004, version=2),
        document=document(9000, 9001, 9002, 9004),
        grant=GRANT,
    )
    assert decide(changed(view, store_unreachable=True), 0.0).action is None
    assert decide(changed(view, lease_alive=False), 0.0).action is None


def test_without_etcd_at_boot_the_last_known_good_list_decides() -> None:
    cut_off = booting(
        synced=False,
        store_unreachable=True,
        canonical=None,
        lease_alive=False,
        last_known_good=VersionedServers(1, THREE),
    )
    assert decide(cut_off, 0.0).action == StartProcess(THREE)
    forged = changed(cut_off, document=document(9000, 9001, 9002, 9666))
    action = decide(forged, 0.0).action
    assert isinstance(action, WriteFile)
    assert action.servers == THREE
    nothing = decide(changed(cut_off, last_known_good=None), 0.0)
    assert (nothing.phase, nothing.action) == (Phase.WAITING, None)
    assert "etcd" in nothing.reason


def test_a_start_waits_for_the_first_answer_from_etcd() -> None:
    decision = decide(booting(synced=False, canonical=None, last_known_good=VersionedServers(1, THREE)), 0.0)
    assert (decision.phase, decision.action) == (Phase.WAITING, None)


def test_an_untrusted_list_leaves_the_last_known_good_one_in_force() -> None:
    view = booting(canonical=None, untrusted_reason="it is empty", last_known_good=VersionedServers(1, THREE))
    assert decide(view, 0.0).action == StartProcess(THREE)


def test_a_newcomer_asks_and_does_not_start() -> None:
    newcomer = node_view(
        server(4, 9004),
        synced=True,
        canonical=canonical(9000, 9001, 9002),
        document=document(9000, 9004, node="fed-4", port=9004),
        attempt="a1",
    )
    decision = decide(newcomer, 0.0)
    assert decision.phase is Phase.JOINING
    assert decision.action == AskToJoin(servers(9000, 9004), "a1")
    refused = changed(newcomer, verdict=Verdict(VerdictKind.REFUSED, "a stranger", "", "a1"))
    decision = decide(refused, 0.0)
    assert decision.phase is Phase.REFUSED
    assert decision.action == AskToJoin(servers(9000, 9004), "a1", refused=True)
    changed_its_mind = changed(refused, attempt="a2")
    assert isinstance(decide(changed_its_mind, 0.0).action, AskToJoin)


def test_an_admitted_newcomer_gets_the_whole_list_before_it_starts() -> None:
    view = node_view(
        server(4, 9004),
        synced=True,
        canonical=canonical(9000, 9001, 9002, 9004, version=2),
        document=document(9000, 9004, node="fed-4", port=9004),
    )
    action = decide(view, 0.0).action
    assert isinstance(action, WriteFile)
    assert (action.servers, action.rejected) == (FOUR, False)


def test_a_removed_server_stops_and_waits_and_its_file_is_left_alone() -> None:
    view = in_step(canonical=canonical(9001, 9002, version=2, removed=(9000,)))
    decision = decide(view, 0.0)
    assert (decision.phase, decision.action) == (Phase.REMOVED, StopProcess())
    assert decide(changed(view, state=NotLaunched()), 0.0).action is None
    assert decide(changed(view, stop_when_removed=False), 0.0).action is None
    assert not Facts.of(view).may_campaign


def test_a_database_node_follows_the_list_without_being_in_it() -> None:
    view = node_view(
        DATABASE,
        synced=True,
        canonical=canonical(9000, 9001, 9002),
        document=document(9000, role=Role.DATABASE),
    )
    assert isinstance(decide(view, 0.0).action, WriteFile)
    assert decide(changed(view, document=document(9000, 9001, 9002)), 0.0).action == StartProcess(THREE)
    assert not Facts.of(view).may_campaign


def test_a_crashed_process_starts_again_after_its_backoff() -> None:
    view = in_step(state=Exited(code=1, retry_at=5.0, failures=1), healthy=False)
    early = decide(view, 4.0)
    assert (early.phase, early.action, early.until) == (Phase.CRASHED, None, 5.0)
    assert decide(view, 5.0).action == StartProcess(THREE)


def test_a_stopped_process_loads_the_new_list_without_a_grant() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, 9002, 9004, version=2),
        document=document(9000, 9001, 9002, 9004),
        state=Exited(code=1, retry_at=0.0, failures=1),
    )
    assert decide(view, 1.0).action == StartProcess(FOUR)


def test_an_unreadable_file_stops_and_starts_nothing() -> None:
    view = in_step(document=None, problem="federated.json:1:2: broken")
    assert decide(view, 0.0).action is None
    assert decide(changed(view, state=NotLaunched()), 0.0).phase is Phase.WAITING


def test_the_same_list_in_another_version_needs_no_restart() -> None:
    view = in_step(canonical=canonical(9000, 9001, 9002, version=4))
    assert decide(changed(view, loaded_version=4), 0.0).action is None


@given(
    synced=st.booleans(),
    store_unreachable=st.booleans(),
    has_canonical=st.booleans(),
    forged=st.booleans(),
    known=st.booleans(),
    state=st.sampled_from([NotLaunched(), Exited(1, 0.0, 1)]),
)
def test_the_process_never_starts_on_an_unconfirmed_list(
    synced: bool,
    store_unreachable: bool,
    has_canonical: bool,
    forged: bool,
    known: bool,
    state: NotLaunched | Exited,
) -> None:
    view = booting(
        synced=synced,
        store_unreachable=store_unreachable,
        canonical=canonical(9000, 9001, 9002) if has_canonical and synced else None,
        document=document(9000, 9666) if forged else document(9000, 9001, 9002),
        last_known_good=VersionedServers(1, THREE) if known else None,
        state=state,
    )
    action = decide(view, 10.0).action
    if isinstance(action, StartProcess):
        assert action.servers == THREE
        assert view.file.document is not None
        assert view.file.document.servers == THREE
        assert (has_canonical and synced) or (known and store_unreachable)


def test_a_node_in_conflict_neither_joins_nor_campaigns() -> None:
    outside = in_step(
        canonical=canonical(9001, 9002),
        document=document(9001, 9000),
        node_id_taken_reason="the NodeID is another's",
    )
    decision = decide(outside, 0.0)
    assert (decision.phase, decision.reason, decision.action) == (
        Phase.REFUSED,
        "the NodeID is another's",
        None,
    )
    assert not Facts.of(in_step(node_id_taken_reason="the NodeID is another's")).may_campaign
    taken = Verdict(VerdictKind.CONFLICT, "the URL is another's", "", holder=NodeID("fed-2"))
    assert not Facts.of(in_step(verdict=taken)).may_campaign
