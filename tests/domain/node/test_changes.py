"""How a view follows from the one before it."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.domain.node.actions import Decision, RestartProcess, StartProcess, StopForRestart
from sidecar.domain.node.changes import (
    action_finished,
    action_started,
    applicable_verdict,
    health_observed,
    next_view,
    process_observed,
)
from sidecar.domain.node.facts import Facts
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import Exited, NoProcess, NotLaunched, Running
from sidecar.domain.node.view import View
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.records.membership import Verdict, VerdictKind
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList
from tests.builders import DATABASE, THREE, canonical, changed, document, node_view, server, servers
from tests.domain.node.views import booting, coming_up, in_step

RESTARTING = Decision(Phase.RESTARTING, "", StopForRestart(THREE))


def after(view: View, **changes: Any) -> View:
    return next_view(view, changed(view, **changes))


def test_the_same_list_in_another_version_counts_as_loaded() -> None:
    view = after(in_step(), canonical=canonical(9000, 9001, 9002, version=4))
    assert view.process.loaded_version == 4


def test_a_falling_version_makes_the_loaded_version_unknown() -> None:
    view = after(in_step(loaded_version=7), canonical=canonical(9000, 9001, version=1))
    assert view.process.loaded_version == 0


def test_without_a_process_the_file_counts_as_loaded() -> None:
    view = in_step(state=NoProcess(), loaded_version=0)
    assert after(view, canonical=canonical(9000, 9001, 9002, version=3)).process.loaded_version == 3


def test_a_process_that_does_not_run_loads_nothing() -> None:
    view = in_step(state=NotLaunched(), loaded_version=1)
    assert after(view, canonical=canonical(9000, 9001, 9002, version=3)).process.loaded_version == 1


def test_the_last_known_good_list_follows_the_file() -> None:
    view = booting()
    assert next_view(view, view).last_known_good == VersionedServers(1, THREE)
    assert after(view, document=document(9000, 9001)).last_known_good is None


def test_a_removed_node_has_no_last_known_good_list() -> None:
    removed = canonical(9001, 9002, version=2, removed=(9000,))
    assert after(in_step(), canonical=removed).last_known_good is None
    verdict = Verdict(VerdictKind.REMOVED, "removed", "")
    assert after(in_step(identity=DATABASE), verdict=verdict).last_known_good is None


def test_each_time_it_becomes_healthy_is_counted() -> None:
    view = coming_up(failed_starts=2)
    well = next_view(view, health_observed(view, Health(healthy=True, reason="")))
    assert (well.health.recoveries, well.health.last_healthy_start) == (1, 10.0)
    assert well.health.failed_starts == 0
    still = next_view(well, health_observed(well, Health(healthy=True, reason="")))
    assert still == well
    ill = next_view(well, health_observed(well, Health(healthy=False, reason="503")))
    assert (ill.health.recoveries, ill.health.healthy, ill.health.reason) == (1, False, "503")


def test_a_probe_counts_for_the_process_that_it_probed() -> None:
    same = process_observed(in_step(), Running(2, 10.0, THREE))
    assert same.health.healthy
    for state in (Running(2, 50.0, THREE), Exited(1, 0.0, 1), NotLaunched()):
        assert not process_observed(in_step(), state).health.healthy
    assert not action_finished(in_step(), Running(1, 10.0, THREE)).health.healthy


def test_an_action_is_in_progress_until_it_has_finished() -> None:
    started = action_started(in_step(), RESTARTING, 20.0)
    assert (started.process.in_progress, started.health.healthy) == (RESTARTING, False)
    finished = action_finished(started, NotLaunched())
    assert (finished.process.in_progress, finished.process.state) == (None, NotLaunched())


@pytest.mark.parametrize("action", [StopForRestart, RestartProcess])
def test_a_boot_interrupted_by_a_newer_list_is_not_a_failed_start(
    action: type[StopForRestart | RestartProcess],
) -> None:
    view = coming_up(failed_starts=1)
    due = Facts.of(view).startup_deadline
    assert due is not None

    def failed_starts(servers_: ServerList, now: float) -> int:
        return action_started(
            view, Decision(Phase.RESTARTING, "", action(servers_)), now
        ).health.failed_starts

    assert failed_starts(THREE, due) == 2
    assert failed_starts(THREE, due - 1) == 1
    assert failed_starts(servers(9000, 9001, 9002, 9009), due) == 0


def test_a_start_is_no_failed_start() -> None:
    view = coming_up(failed_starts=1)
    start = Decision(Phase.STARTING, "", StartProcess(THREE))
    assert action_started(view, start, 1e9).health.failed_starts == 1


def series(*since: float, **changes: Any) -> View:
    """What follows from processes that started one after the other at those moments, on their own."""
    view = coming_up(state=Running(1, since[0], THREE), **changes)
    for moment in since[1:]:
        view = after(view, state=Running(1, moment, THREE))
    return view


def test_a_crash_loop_does_not_extend_the_startup_deadline() -> None:
    view = series(10.0, 30.0, 50.0)
    assert view.health.unhealthy_since == 10.0
    assert Facts.of(view).startup_deadline == 70.0


def test_the_exit_of_a_healthy_process_is_not_a_failed_start() -> None:
    assert series(10.0, 30.0, last_healthy_start=10.0).health.unhealthy_since is None
    assert series(10.0, 30.0, 50.0, last_healthy_start=10.0).health.unhealthy_since == 30.0


def test_the_pause_before_the_next_start_is_not_a_failed_start() -> None:
    view = series(10.0, last_healthy_start=10.0)
    view = after(view, state=Running(None, 30.0, THREE, awaiting_restart=True))
    view = after(view, state=Running(1, 60.0, THREE))
    assert view.health.unhealthy_since is None
    assert Facts.of(view).startup_deadline == 60.0 + view.options.startup_timeout.initial


def test_the_pause_after_a_failed_start_does_not_extend_the_deadline() -> None:
    view = changed(series(10.0, 30.0), state=Running(None, 40.0, THREE, awaiting_restart=True))
    assert after(view, state=Running(1, 45.0, THREE)).health.unhealthy_since == 10.0


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ({}, {"healthy": True}),
        ({"in_progress": RESTARTING}, {}),
        ({}, {"state": Exited(1, 0.0, 1)}),
    ],
    ids=["it is healthy", "a restart of the sidecar's own", "it is seen to have ended"],
)
def test_a_series_of_unhealthy_processes_ends(before: dict[str, Any], then: dict[str, Any]) -> None:
    view = changed(series(10.0, 30.0), **before)
    assert view.health.unhealthy_since == 10.0
    ended = after(view, **{"in_progress": None, "state": Running(1, 50.0, THREE)} | then)
    assert ended.health.unhealthy_since is None


def test_a_verdict_for_another_node_of_the_same_node_id_is_ignored() -> None:
    mine = Verdict(VerdictKind.REFUSED, "a stranger", "2026-01-01T00:00:00Z", "mine")
    other = Verdict(VerdictKind.REFUSED, "a stranger", "2026-01-01T00:00:00Z", "other")
    removed = Verdict(VerdictKind.REMOVED, "removed", "2026-01-01T00:00:00Z")
    view = node_view(server(1), attempt="mine", verdict=mine)
    assert applicable_verdict(view, other) == mine
    assert applicable_verdict(view, removed) == removed
    assert applicable_verdict(view, None) is None
    assert applicable_verdict(changed(view, attempt="new"), other) == other
