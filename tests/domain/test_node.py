"""The node's decision, as a function of what it knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.identity import Role
from sidecar.domain.node.decide import decide
from sidecar.domain.node.process import Exited, NoProcess, NotLaunched, Running
from sidecar.domain.node.view import (
    AskToJoin,
    Decision,
    Known,
    RestartProcess,
    StartProcess,
    StopProcess,
    View,
    WriteFile,
    applied,
    loaded_version,
    may_lead,
    own_list,
)
from sidecar.domain.records.membership import Verdict, VerdictKind
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Grant
from sidecar.domain.servers import NodeID
from tests.build import DATABASE, THREE, canonical, document, server, servers

FOUR = servers(9000, 9001, 9002, 9004)
RESTARTING = Decision(Phase.RESTARTING, "into version 2")
GRANT = Grant(2, 5, 0.0)


def running(*ports: int) -> Running:
    return Running(pid=1, since=0.0, loaded=servers(*ports))


def booting(**changes: Any) -> View:
    """fed-1 at its boot, its file in step with version 1."""
    view = View(
        identity=server(1),
        listed=True,
        lease_alive=True,
        canonical=canonical(9000, 9001, 9002),
        file=document(9000, 9001, 9002),
    )
    return replace(view, **changes)


def in_step(**changes: Any) -> View:
    """fed-1, running healthy on version 1, which is what it last applied."""
    view = booting(
        process=running(9000, 9001, 9002),
        healthy=True,
        loaded_version=1,
        applied=Known(1, THREE),
    )
    return replace(view, **changes)


def test_a_file_in_step_is_not_written_and_the_process_starts() -> None:
    decision = decide(booting(), 0.0)
    assert decision.action == StartProcess(THREE)


def test_in_step_and_healthy_there_is_nothing_to_do() -> None:
    decision = decide(in_step(), 0.0)
    assert (decision.phase, decision.action) == (Phase.RUNNING, None)


@pytest.mark.parametrize("forged", [(9000, 9001, 9002, 9666), (9000, 9001)], ids=["added", "taken out"])
def test_a_forged_file_is_put_back_before_the_process_starts(forged: tuple[int, ...]) -> None:
    view = booting(file=document(*forged), applied=Known(1, THREE))
    action = decide(view, 0.0).action
    assert isinstance(action, WriteFile)
    assert (action.servers, action.rejected) == (THREE, True)


def test_a_file_that_slept_through_a_change_is_updated_not_rejected() -> None:
    view = booting(canonical=canonical(9000, 9001, 9002, 9004, version=2), applied=Known(1, THREE))
    action = decide(view, 0.0).action
    assert isinstance(action, WriteFile)
    assert (action.servers, action.rejected) == (FOUR, False)


def test_the_file_follows_at_once_while_the_restart_waits_for_its_turn() -> None:
    view = in_step(canonical=canonical(9000, 9001, 9002, 9004, version=2))
    assert isinstance(decide(view, 0.0).action, WriteFile)
    view = replace(view, file=document(9000, 9001, 9002, 9004), applied=Known(2, FOUR))
    waiting = decide(view, 0.0)
    assert (waiting.phase, waiting.action) == (Phase.RESTART_PENDING, None)
    granted = decide(replace(view, grant=GRANT), 0.0)
    assert (granted.phase, granted.action) == (Phase.RESTARTING, RestartProcess(FOUR))


def test_the_file_follows_even_while_the_process_is_being_stopped() -> None:
    view = in_step(canonical=canonical(9000, 9001, 9002, 9004, version=2), busy=RESTARTING)
    assert isinstance(decide(view, 0.0).action, WriteFile)
    view = replace(view, file=document(9000, 9001, 9002, 9004))
    assert decide(view, 0.0) == RESTARTING


def test_an_older_grant_that_was_not_used_serves_for_a_newer_version() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, version=5),
        file=document(9000, 9001),
        process=running(9000, 9001, 9002),
        grant=GRANT,
    )
    assert decide(view, 0.0).action == RestartProcess(servers(9000, 9001))


def test_who_serves_does_not_use_a_turn_for_those_who_do_not() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, 9002, 9004, version=2),
        file=document(9000, 9001, 9002, 9004),
        grant=replace(GRANT, free=True),
    )
    assert decide(view, 0.0).action is None
    assert decide(replace(view, healthy=False), 0.0).action == RestartProcess(FOUR)


def test_a_grant_is_used_up_by_loading_its_version() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, version=3),
        file=document(9000, 9001),
        grant=GRANT,
        loaded_version=2,
    )
    assert decide(view, 0.0).action is None


def test_without_etcd_nothing_is_stopped_or_restarted() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, 9002, 9004, version=2),
        file=document(9000, 9001, 9002, 9004),
        grant=GRANT,
    )
    assert decide(replace(view, away=True), 0.0).action is None
    assert decide(replace(view, lease_alive=False), 0.0).action is None


def test_without_etcd_at_boot_the_last_known_good_list_decides() -> None:
    cut_off = booting(listed=False, away=True, canonical=None, lease_alive=False, applied=Known(1, THREE))
    assert decide(cut_off, 0.0).action == StartProcess(THREE)
    forged = replace(cut_off, file=document(9000, 9001, 9002, 9666))
    action = decide(forged, 0.0).action
    assert isinstance(action, WriteFile)
    assert action.servers == THREE
    nothing = decide(replace(cut_off, applied=None), 0.0)
    assert (nothing.phase, nothing.action) == (Phase.WAITING, None)
    assert "etcd" in nothing.reason


def test_a_boot_waits_for_etcds_first_answer() -> None:
    decision = decide(booting(listed=False, canonical=None, applied=Known(1, THREE)), 0.0)
    assert (decision.phase, decision.action) == (Phase.WAITING, None)


def test_a_list_that_is_not_believed_leaves_the_last_known_good_one_in_force() -> None:
    view = booting(canonical=None, distrust="it is empty", applied=Known(1, THREE))
    assert decide(view, 0.0).action == StartProcess(THREE)


def test_a_newcomer_asks_and_does_not_start() -> None:
    newcomer = View(
        identity=server(4, 9004),
        listed=True,
        canonical=canonical(9000, 9001, 9002),
        file=document(9000, 9004, node="fed-4", port=9004),
        attempt="a1",
    )
    decision = decide(newcomer, 0.0)
    assert decision.phase is Phase.JOINING
    assert decision.action == AskToJoin(servers(9000, 9004), "a1")
    refused = replace(newcomer, verdict=Verdict(VerdictKind.REFUSED, "a stranger", "", "a1"))
    decision = decide(refused, 0.0)
    assert (decision.phase, decision.action) == (Phase.REFUSED, AskToJoin(servers(9000, 9004), "a1"))
    changed_its_mind = replace(refused, attempt="a2")
    assert isinstance(decide(changed_its_mind, 0.0).action, AskToJoin)


def test_an_admitted_newcomer_gets_the_whole_list_before_it_starts() -> None:
    view = View(
        identity=server(4, 9004),
        listed=True,
        canonical=canonical(9000, 9001, 9002, 9004, version=2),
        file=document(9000, 9004, node="fed-4", port=9004),
    )
    action = decide(view, 0.0).action
    assert isinstance(action, WriteFile)
    assert (action.servers, action.rejected) == (FOUR, False)


def test_a_removed_server_stops_and_waits_and_its_file_is_left_alone() -> None:
    view = in_step(canonical=canonical(9001, 9002, version=2, removed=(9000,)))
    decision = decide(view, 0.0)
    assert (decision.phase, decision.action) == (Phase.REMOVED, StopProcess())
    assert decide(replace(view, process=NotLaunched()), 0.0).action is None
    assert decide(replace(view, stop_when_removed=False), 0.0).action is None
    assert not may_lead(view)


def test_a_database_node_follows_the_list_without_being_in_it() -> None:
    view = View(
        identity=DATABASE,
        listed=True,
        canonical=canonical(9000, 9001, 9002),
        file=document(9000, role=Role.DATABASE),
    )
    assert isinstance(decide(view, 0.0).action, WriteFile)
    assert decide(replace(view, file=document(9000, 9001, 9002)), 0.0).action == StartProcess(THREE)
    assert not may_lead(view)


def test_a_process_that_died_comes_back_after_its_backoff() -> None:
    view = in_step(process=Exited(code=1, retry_at=5.0, failures=1), healthy=False)
    early = decide(view, 4.0)
    assert (early.phase, early.action, early.until) == (Phase.CRASHED, None, 5.0)
    assert decide(view, 5.0).action == StartProcess(THREE)


def test_a_process_that_is_down_needs_no_turn_to_load_the_new_list() -> None:
    view = in_step(
        canonical=canonical(9000, 9001, 9002, 9004, version=2),
        file=document(9000, 9001, 9002, 9004),
        process=Exited(code=1, retry_at=0.0, failures=1),
    )
    assert decide(view, 1.0).action == StartProcess(FOUR)


def test_a_file_that_cannot_be_read_stops_nothing_and_starts_nothing() -> None:
    view = in_step(file=None, file_problem="federated.json:1:2: broken")
    assert decide(view, 0.0).action is None
    assert decide(replace(view, process=NotLaunched()), 0.0).phase is Phase.WAITING


def test_the_same_list_in_another_version_counts_as_loaded() -> None:
    view = in_step(canonical=canonical(9000, 9001, 9002, version=4))
    assert loaded_version(view) == 4
    assert decide(view, 0.0).action is None


def test_versions_that_fell_make_what_was_loaded_unknown() -> None:
    view = in_step(canonical=canonical(9000, 9001, version=1), loaded_version=7)
    assert loaded_version(view) == 0


def test_without_a_process_the_file_is_what_was_loaded() -> None:
    view = in_step(process=NoProcess(), canonical=canonical(9000, 9001, 9002, version=3), loaded_version=0)
    assert loaded_version(view) == 3


def test_only_a_listed_server_leads_or_the_first_of_a_new_network() -> None:
    assert may_lead(in_step())
    assert not may_lead(in_step(canonical=canonical(9001, 9002)))
    assert may_lead(booting(canonical=None))
    assert not may_lead(booting(canonical=None, bootstrap=False))
    assert not may_lead(booting(listed=False))


def test_the_list_to_publish_is_the_last_known_good_one_not_what_the_file_says() -> None:
    view = booting(canonical=None, file=document(9000, 9666), applied=Known(3, THREE))
    assert own_list(view) == Known(3, THREE)
    assert own_list(replace(view, bootstrap=False)) is None
    assert own_list(replace(view, applied=None)) == Known(0, servers(9000, 9666))


def test_what_is_applied_follows_the_file() -> None:
    view = booting()
    assert applied(view) == Known(1, THREE)
    assert applied(replace(view, file=document(9000, 9001))) is None


def test_a_removed_node_forgets_the_list_it_could_start_from() -> None:
    assert applied(in_step(canonical=canonical(9001, 9002, version=2, removed=(9000,)))) is None
    told = Verdict(VerdictKind.REMOVED, "removed", "")
    assert applied(replace(in_step(verdict=told), identity=DATABASE)) is None


@given(
    listed=st.booleans(),
    away=st.booleans(),
    has_canonical=st.booleans(),
    forged=st.booleans(),
    known=st.booleans(),
    process=st.sampled_from([NotLaunched(), Exited(1, 0.0, 1)]),
)
def test_the_process_never_starts_on_a_list_that_nobody_vouched_for(
    listed: bool, away: bool, has_canonical: bool, forged: bool, known: bool, process: NotLaunched | Exited
) -> None:
    view = booting(
        listed=listed,
        away=away,
        canonical=canonical(9000, 9001, 9002) if has_canonical and listed else None,
        file=document(9000, 9666) if forged else document(9000, 9001, 9002),
        applied=Known(1, THREE) if known else None,
        process=process,
    )
    action = decide(view, 10.0).action
    if isinstance(action, StartProcess):
        assert action.servers == THREE
        assert view.file is not None
        assert view.file.servers == THREE
        assert (has_canonical and listed) or (known and away)


def test_who_is_turned_away_neither_asks_nor_leads_also_where_its_process_ran_before() -> None:
    outside = in_step(
        canonical=canonical(9001, 9002), file=document(9001, 9000), taken="the NodeID is another's"
    )
    decision = decide(outside, 0.0)
    assert (decision.phase, decision.reason, decision.action) == (
        Phase.REFUSED,
        "the NodeID is another's",
        None,
    )
    assert not may_lead(in_step(taken="the NodeID is another's"))
    taken = Verdict(VerdictKind.TAKEN, "the URL is another's", "", holder=NodeID("fed-2"))
    assert not may_lead(in_step(verdict=taken))
