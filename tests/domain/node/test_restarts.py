"""When the node restarts its process, and what it does if that fails."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.domain.node.actions import RestartProcess, StartProcess, StopForRestart, StopProcess
from sidecar.domain.node.decide import decide
from sidecar.domain.node.facts import Facts
from sidecar.domain.node.process import (
    Exited,
    NoProcess,
    NotLaunched,
    RestartFailure,
    Running,
)
from sidecar.domain.node.view import View
from sidecar.domain.records.report import Phase
from sidecar.domain.records.rollout import Grant
from sidecar.domain.servers import ServerList
from tests.builders import THREE, canonical, changed, document, servers
from tests.domain.node.views import coming_up, in_step

FOUR = servers(9000, 9001, 9002, 9004)
GRANT = Grant(2, 5, 0.0)
TROUBLE = RestartFailure("the engine says no", retry_at=50.0, failures=2)


def behind(**changes: Any) -> View:
    """The same, with a grant to restart into version 2, which its file holds."""
    return in_step(
        **{
            "canonical": canonical(9000, 9001, 9002, 9004, version=2),
            "document": document(9000, 9001, 9002, 9004),
            "grant": GRANT,
        }
        | changes
    )


def test_a_starting_process_is_given_its_startup_timeout() -> None:
    decision = decide(coming_up(), 69.9)
    assert (decision.phase, decision.action, decision.until) == (Phase.STARTING, None, 70.0)
    assert "it answers 503" in decision.reason


def test_a_process_unhealthy_past_its_deadline_is_restarted() -> None:
    decision = decide(coming_up(), 70.0)
    assert (decision.phase, decision.action) == (Phase.RESTARTING, StopForRestart(THREE))
    assert decision.reason == "not healthy within 60 s: it answers 503"


@pytest.mark.parametrize(
    "cut_off",
    [{"store_unreachable": True, "lease_alive": False}, {"grant": None}, {"lease_alive": False}],
    ids=["without etcd", "without a grant", "without a lease"],
)
def test_a_process_that_never_served_restarts_without_a_grant(cut_off: dict[str, Any]) -> None:
    assert decide(coming_up(**cut_off), 70.0).action == StopForRestart(THREE)


def test_a_booting_process_on_an_old_list_restarts_without_a_grant() -> None:
    booting = behind(healthy=False, last_healthy_start=None, grant=None)
    assert decide(booting, 10.1).action == StopForRestart(FOUR)


def test_an_adopted_process_is_given_its_startup_timeout_first() -> None:
    view = behind(healthy=False, last_healthy_start=None, grant=None, sidecar_started_at=20.0)
    assert decide(view, 79.9).phase is Phase.RESTART_PENDING
    assert decide(view, 79.9).until == 80.0
    assert decide(view, 80.0).action == StopForRestart(FOUR)


def test_each_failed_start_doubles_the_startup_timeout() -> None:
    view = coming_up(failed_starts=2)
    assert decide(view, 249.9).action is None
    decision = decide(view, 250.0)
    assert decision.action == StopForRestart(THREE)
    assert "not healthy within 240 s" in decision.reason


def test_a_process_that_was_healthy_once_is_left_running() -> None:
    # An unhealthy process may recover on its own; only one that was never healthy is stuck.
    decision = decide(coming_up(last_healthy_start=10.0), 1e9)
    assert (decision.phase, decision.action, decision.until) == (Phase.STARTING, None, None)


def test_the_health_of_an_earlier_process_does_not_count() -> None:
    assert decide(coming_up(last_healthy_start=5.0), 70.0).action == StopForRestart(THREE)


def test_starting_the_sidecar_restarts_nothing() -> None:
    # It has run for days, and has not been probed yet.
    view = coming_up(state=Running(1, -1e6, THREE), sidecar_started_at=1000.0, reason="")
    assert Facts.of(view).startup_deadline == 1060.0
    assert decide(view, 1000.0).action is None
    assert decide(view, 1060.0).action == StopForRestart(THREE)
    assert decide(changed(view, healthy=True), 1060.0).action is None


@pytest.mark.parametrize("process", [NotLaunched(), Exited(1, 0.0, 1), NoProcess()])
def test_a_stopped_process_has_no_startup_deadline(process: Any) -> None:
    assert Facts.of(coming_up(state=process)).startup_deadline is None


def test_a_process_that_restarts_in_place_is_not_stopped() -> None:
    assert decide(behind(restarts_in_place=True), 20.0).action == RestartProcess(FOUR)
    assert decide(coming_up(restarts_in_place=True), 70.0).action == RestartProcess(THREE)


def test_a_failed_restart_is_reported_until_the_next_attempt() -> None:
    view = behind(state=Running(1, 10.0, THREE, TROUBLE))
    early = decide(view, 49.9)
    assert (early.phase, early.action, early.until) == (Phase.RESTART_FAILED, None, 50.0)
    assert early.reason == "into version 2: the engine says no"
    again = decide(view, 50.0)
    assert (again.phase, again.action) == (Phase.RESTARTING, StopForRestart(FOUR))


def test_an_overdue_process_that_cannot_restart_is_reported_as_both() -> None:
    view = coming_up(state=Running(1, 10.0, THREE, RestartFailure("no permission", 80.0, 1)))
    decision = decide(view, 70.0)
    assert (decision.phase, decision.action, decision.until) == (Phase.RESTART_FAILED, None, 80.0)
    assert decision.reason == "not healthy within 60 s: it answers 503: no permission"
    assert decide(view, 80.0).action == StopForRestart(THREE)


def test_a_past_restart_failure_is_not_reported() -> None:
    # The restart was cut off, but succeeded later.
    decision = decide(in_step(state=Running(1, 10.0, THREE, TROUBLE)), 20.0)
    assert (decision.phase, decision.reason, decision.action) == (Phase.RUNNING, "in step", None)


def test_a_process_that_cannot_start_says_why_and_is_retried() -> None:
    view = in_step(state=Exited(None, 50.0, 3, "no answer"), healthy=False)
    early = decide(view, 49.0)
    assert (early.phase, early.reason, early.until) == (Phase.CRASHED, "no answer", 50.0)
    assert decide(view, 50.0).action == StartProcess(THREE)
    died = decide(in_step(state=Exited(3, 50.0, 1), healthy=False), 49.0)
    assert died.reason == "the process ended by itself (exit code 3)"


def test_a_removed_process_that_cannot_be_stopped_is_retried() -> None:
    view = in_step(
        canonical=canonical(9001, 9002, version=2, removed=(9000,)),
        state=Running(1, 10.0, THREE, RestartFailure("it does not stop", 50.0, 1)),
    )
    early = decide(view, 49.0)
    assert (early.phase, early.action, early.until) == (Phase.REMOVED, None, 50.0)
    assert early.reason.endswith("; it does not stop")
    assert decide(view, 50.0).action == StopProcess()


def test_a_removed_process_with_another_launcher_is_left_alone() -> None:
    view = in_step(canonical=canonical(9001, 9002, version=2, removed=(9000,)), stop_when_removed=False)
    decision = decide(view, 20.0)
    assert (decision.phase, decision.action) == (Phase.REMOVED, None)
    assert decision.reason.endswith("its process keeps running")


def test_a_removed_process_is_not_restarted_past_its_deadline() -> None:
    view = coming_up(
        canonical=canonical(9001, 9002, version=2, removed=(9000,)), state=Running(1, 10.0, THREE)
    )
    assert decide(view, 1e9).action == StopProcess()
    assert decide(changed(view, stop_when_removed=False), 1e9).action is None


@given(
    grant=st.none() | st.integers(1, 4).map(lambda version: Grant(version, 5, 0.0)),
    healthy=st.booleans(),
    last_healthy_start=st.sampled_from([None, 10.0]),
    loaded=st.sampled_from([THREE, FOUR]),
    loaded_version=st.integers(0, 3),
    version=st.integers(2, 3),
    store_unreachable=st.booleans(),
    lease_alive=st.booleans(),
    sidecar_started_at=st.sampled_from([0.0, 20.0]),
    now=st.floats(10.0, 200.0),
)
def test_a_serving_process_restarts_only_for_a_newer_list_and_a_grant(
    *,
    grant: Grant | None,
    healthy: bool,
    last_healthy_start: float | None,
    loaded: ServerList,
    loaded_version: int,
    version: int,
    store_unreachable: bool,
    lease_alive: bool,
    sidecar_started_at: float,
    now: float,
) -> None:
    view = behind(
        grant=grant,
        healthy=healthy,
        last_healthy_start=10.0 if healthy else last_healthy_start,
        canonical=canonical(9000, 9001, 9002, 9004, version=version),
        state=Running(1, 10.0, loaded),
        loaded_version=loaded_version,
        store_unreachable=store_unreachable,
        lease_alive=lease_alive,
        sidecar_started_at=sidecar_started_at,
    )
    decision = decide(view, now)
    if not isinstance(decision.action, StopForRestart):
        return
    assert decision.action.servers == FOUR
    if view.health.last_healthy_start == 10.0:  # it was healthy once, so it is never stuck
        assert loaded == THREE, "nothing restarts for nothing"
        assert grant
        assert grant.version > loaded_version
        assert lease_alive
        assert not store_unreachable
    elif now < 70.0:
        assert loaded == THREE
        assert (grant and grant.version > loaded_version) or sidecar_started_at <= 10.0
        assert lease_alive
        assert not store_unreachable
