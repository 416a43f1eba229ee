"""When the node restarts its process, and what it does where that fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.node.decide import decide
from sidecar.domain.node.process import Exited, NoProcess, NotLaunched, Patience, Running, Trouble
from sidecar.domain.node.view import (
    Decision,
    Known,
    RestartProcess,
    StartProcess,
    StopProcess,
    View,
    comes_up_by,
    fruitless_after,
    unwell_since,
)
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Grant
from sidecar.domain.servers import ServerList
from tests.build import THREE, canonical, document, server, servers

FOUR = servers(9000, 9001, 9002, 9004)
GRANT = Grant(2, 5, 0.0)
TROUBLE = Trouble("the engine says no", retry_at=50.0, failures=2)


def in_step(**changes: Any) -> View:
    """fed-1, running healthy since 10.0 on version 1, which is what it last applied."""
    view = View(
        identity=server(1),
        listed=True,
        lease_alive=True,
        canonical=canonical(9000, 9001, 9002),
        file=document(9000, 9001, 9002),
        process=Running(1, 10.0, THREE),
        healthy=True,
        came_up=10.0,
        loaded_version=1,
        applied=Known(1, THREE),
        patience=Patience(60.0),
    )
    return replace(view, **changes)


def coming_up(**changes: Any) -> View:
    """The same, but the process has not been healthy since it started."""
    return in_step(**{"healthy": False, "came_up": None, "health_reason": "it answers 503"} | changes)


def behind(**changes: Any) -> View:
    """The same, in its turn to restart into version 2, which its file holds."""
    return in_step(
        **{
            "canonical": canonical(9000, 9001, 9002, 9004, version=2),
            "file": document(9000, 9001, 9002, 9004),
            "grant": GRANT,
        }
        | changes
    )


def test_one_that_comes_up_is_given_its_time() -> None:
    decision = decide(coming_up(), 69.9)
    assert (decision.phase, decision.action, decision.until) == (Phase.STARTING, None, 70.0)
    assert "it answers 503" in decision.reason


def test_one_that_was_not_healthy_in_time_is_restarted_and_the_reason_says_why() -> None:
    decision = decide(coming_up(), 70.0)
    assert (decision.phase, decision.action) == (Phase.RESTARTING, RestartProcess(THREE))
    assert decision.reason == "not healthy within 60 s: it answers 503"


@pytest.mark.parametrize(
    "cut_off",
    [{"away": True, "lease_alive": False}, {"grant": None}, {"lease_alive": False}],
    ids=["without etcd", "without a turn", "without a lease"],
)
def test_one_that_serves_nobody_is_restarted_without_asking_anybody(cut_off: dict[str, Any]) -> None:
    assert decide(coming_up(**cut_off), 70.0).action == RestartProcess(THREE)


def test_one_that_serves_nobody_on_an_old_list_is_restarted_into_the_new_one_without_its_turn() -> None:
    booting = behind(healthy=False, came_up=None, grant=None)
    assert decide(booting, 10.1).action == RestartProcess(FOUR)


def test_one_that_ran_before_this_sidecar_may_serve_and_is_given_its_time_first() -> None:
    view = behind(healthy=False, came_up=None, grant=None, born=20.0)
    assert decide(view, 79.9).phase is Phase.RESTART_PENDING
    assert decide(view, 79.9).until == 80.0
    assert decide(view, 80.0).action == RestartProcess(FOUR)


def test_each_start_in_vain_doubles_the_time() -> None:
    view = coming_up(fruitless=2)
    assert decide(view, 249.9).action is None
    decision = decide(view, 250.0)
    assert decision.action == RestartProcess(THREE)
    assert "not healthy within 240 s" in decision.reason


def test_one_that_came_up_once_and_fell_ill_is_left_running() -> None:
    # Unhealthy is a state that a process may leave by itself; only one that never came up is stuck.
    decision = decide(coming_up(came_up=10.0), 1e9)
    assert (decision.phase, decision.action, decision.until) == (Phase.STARTING, None, None)


def test_what_came_up_was_another_life() -> None:
    assert decide(coming_up(came_up=5.0), 70.0).action == RestartProcess(THREE)


def test_the_start_of_a_sidecar_restarts_nothing() -> None:
    # It has run for days, and nobody knows yet how it does.
    view = coming_up(process=Running(1, -1e6, THREE), born=1000.0, health_reason="")
    assert comes_up_by(view) == 1060.0
    assert decide(view, 1000.0).action is None
    assert decide(view, 1060.0).action == RestartProcess(THREE)
    assert decide(replace(view, healthy=True), 1060.0).action is None


def lives(*since: float, **changes: Any) -> View:
    """What follows from lives that began one after the other, at those moments, by themselves."""
    view = coming_up(process=Running(1, since[0], THREE), **changes)
    for moment in since[1:]:
        after = replace(view, process=Running(1, moment, THREE))
        view = replace(after, unwell_since=unwell_since(view, after))
    return view


def test_what_is_started_again_after_each_crash_gets_no_new_time_with_each_life() -> None:
    view = lives(10.0, 30.0, 50.0)
    assert view.unwell_since == 10.0
    assert decide(view, 69.9).action is None
    assert decide(view, 70.0).action == RestartProcess(THREE)


def test_the_end_of_one_that_was_well_is_no_start_in_vain() -> None:
    assert lives(10.0, 30.0, came_up=10.0).unwell_since is None
    assert lives(10.0, 30.0, 50.0, came_up=10.0).unwell_since == 30.0


def test_the_pause_before_the_next_life_is_no_life_in_vain() -> None:
    view = replace(lives(10.0, came_up=10.0), process=Running(None, 30.0, THREE, between=True))
    view = replace(view, unwell_since=unwell_since(lives(10.0, came_up=10.0), view))
    after = replace(view, process=Running(1, 60.0, THREE))
    after = replace(after, unwell_since=unwell_since(view, after))
    assert after.unwell_since is None
    assert comes_up_by(after) == 60.0 + after.patience.first


def test_the_pause_after_a_life_in_vain_gives_no_new_time() -> None:
    view = replace(lives(10.0, 30.0), process=Running(None, 40.0, THREE, between=True))
    after = replace(view, process=Running(1, 45.0, THREE))
    assert unwell_since(view, after) == 10.0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"healthy": True}),
        ({"busy": Decision(Phase.RESTARTING, "")}, {}),
        ({}, {"process": Exited(1, 0.0, 1)}),
    ],
    ids=["it is healthy", "a restart of the sidecar's own", "it is seen to have ended"],
)
def test_a_row_of_lives_in_vain_ends(before: dict[str, Any], after: dict[str, Any]) -> None:
    known = replace(lives(10.0, 30.0), **before)
    now = replace(known, busy=None, **{"process": Running(1, 50.0, THREE)} | after)
    assert known.unwell_since == 10.0
    assert unwell_since(known, now) is None


@pytest.mark.parametrize("process", [NotLaunched(), Exited(1, 0.0, 1), NoProcess()])
def test_what_does_not_run_cannot_be_late(process: Any) -> None:
    assert comes_up_by(coming_up(process=process)) is None


def test_a_restart_that_failed_is_told_until_it_is_due_again() -> None:
    view = behind(process=Running(1, 10.0, THREE, TROUBLE))
    early = decide(view, 49.9)
    assert (early.phase, early.action, early.until) == (Phase.RESTART_FAILED, None, 50.0)
    assert early.reason == "into version 2: the engine says no"
    again = decide(view, 50.0)
    assert (again.phase, again.action) == (Phase.RESTARTING, RestartProcess(FOUR))


def test_one_that_is_not_healthy_in_time_and_cannot_be_restarted_is_told_as_both() -> None:
    view = coming_up(process=Running(1, 10.0, THREE, Trouble("no permission", 80.0, 1)))
    decision = decide(view, 70.0)
    assert (decision.phase, decision.action, decision.until) == (Phase.RESTART_FAILED, None, 80.0)
    assert decision.reason == "not healthy within 60 s: it answers 503: no permission"
    assert decide(view, 80.0).action == RestartProcess(THREE)


def test_a_trouble_that_is_over_is_not_told() -> None:
    # It was cut off, and came up later all the same.
    decision = decide(in_step(process=Running(1, 10.0, THREE, TROUBLE)), 20.0)
    assert (decision.phase, decision.reason, decision.action) == (Phase.RUNNING, "in step", None)


def test_one_that_could_not_be_brought_up_says_why_and_is_tried_again() -> None:
    view = in_step(process=Exited(None, 50.0, 3, "nobody answers"), healthy=False)
    early = decide(view, 49.0)
    assert (early.phase, early.reason, early.until) == (Phase.CRASHED, "nobody answers", 50.0)
    assert decide(view, 50.0).action == StartProcess(THREE)
    died = decide(in_step(process=Exited(3, 50.0, 1), healthy=False), 49.0)
    assert died.reason == "the process ended by itself (exit code 3)"


def test_a_removed_one_that_cannot_be_stopped_is_tried_again_and_told() -> None:
    view = in_step(
        canonical=canonical(9001, 9002, version=2, removed=(9000,)),
        process=Running(1, 10.0, THREE, Trouble("it does not stop", 50.0, 1)),
    )
    early = decide(view, 49.0)
    assert (early.phase, early.action, early.until) == (Phase.REMOVED, None, 50.0)
    assert early.reason.endswith("; it does not stop")
    assert decide(view, 50.0).action == StopProcess()


def test_a_removed_one_that_others_would_start_again_is_left_alone_and_that_is_told() -> None:
    view = in_step(canonical=canonical(9001, 9002, version=2, removed=(9000,)), stop_when_removed=False)
    decision = decide(view, 20.0)
    assert (decision.phase, decision.action) == (Phase.REMOVED, None)
    assert decision.reason.endswith("its process is left alone")


def test_a_removed_one_is_not_restarted_for_being_late() -> None:
    view = coming_up(
        canonical=canonical(9001, 9002, version=2, removed=(9000,)), process=Running(1, 10.0, THREE)
    )
    assert decide(view, 1e9).action == StopProcess()
    assert decide(replace(view, stop_when_removed=False), 1e9).action is None


def test_a_boot_that_is_cut_short_by_a_newer_list_was_not_in_vain() -> None:
    view = coming_up(fruitless=1)
    assert isinstance(view.process, Running)
    loaded = view.process.loaded
    due = comes_up_by(view)
    assert due is not None
    assert fruitless_after(view, loaded, due) == 2
    assert fruitless_after(view, loaded, due - 1) == 1
    assert fruitless_after(view, servers(9000, 9001, 9002, 9009), due) == 0


@given(
    grant=st.none() | st.integers(1, 4).map(lambda version: Grant(version, 5, 0.0)),
    healthy=st.booleans(),
    came_up=st.sampled_from([None, 10.0]),
    loaded=st.sampled_from([THREE, FOUR]),
    loaded_version=st.integers(0, 3),
    version=st.integers(2, 3),
    away=st.booleans(),
    lease_alive=st.booleans(),
    born=st.sampled_from([0.0, 20.0]),
    now=st.floats(10.0, 200.0),
)
def test_a_process_that_serves_restarts_for_a_newer_list_and_with_leave_alone(
    *,
    grant: Grant | None,
    healthy: bool,
    came_up: float | None,
    loaded: ServerList,
    loaded_version: int,
    version: int,
    away: bool,
    lease_alive: bool,
    born: float,
    now: float,
) -> None:
    view = behind(
        grant=grant,
        healthy=healthy,
        came_up=10.0 if healthy else came_up,
        canonical=canonical(9000, 9001, 9002, 9004, version=version),
        process=Running(1, 10.0, loaded),
        loaded_version=loaded_version,
        away=away,
        lease_alive=lease_alive,
        born=born,
    )
    decision = decide(view, now)
    if not isinstance(decision.action, RestartProcess):
        return
    assert decision.action.servers == FOUR
    if view.came_up == 10.0:  # it was healthy once: it serves, or is for somebody to see to
        assert loaded == THREE, "nothing restarts for nothing"
        assert grant
        assert grant.version > loaded_version
        assert lease_alive
        assert not away
    elif now < 70.0:
        assert loaded == THREE
        assert (grant and grant.version > loaded_version) or born <= 10.0
        assert lease_alive
        assert not away
