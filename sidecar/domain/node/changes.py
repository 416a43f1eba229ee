"""How a view follows from the one before it: the fields that are derived from what changed."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.node.actions import Decision, RestartProcess, StopForRestart
from sidecar.domain.node.facts import Facts, is_removed
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import Exited, NotLaunched, ProcessState, Running
from sidecar.domain.node.view import HealthView, View
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.records.membership import Verdict, VerdictKind


def next_view(before: View, after: View) -> View:
    """Return ``after``, with the fields that follow from what has changed since ``before``."""
    return replace(
        after,
        process=replace(after.process, loaded_version=_loaded_version(after)),
        last_known_good=_last_known_good(after),
        health=_health(before, after),
    )


def action_started(view: View, decision: Decision, now: float) -> View:
    """The view while ``decision`` is carried out on the process."""
    failed = view.health.failed_starts
    if isinstance(decision.action, RestartProcess | StopForRestart):
        failed = _failed_starts_after_restart(view, decision.action, now)
    health = replace(_unprobed(view.health), failed_starts=failed)
    return replace(view, process=replace(view.process, in_progress=decision), health=health)


def action_finished(view: View, state: ProcessState) -> View:
    """The view once an action on the process has ended in ``state``; older probes were of the old process."""
    process = replace(view.process, state=state, in_progress=None)
    return replace(view, process=process, health=_unprobed(view.health))


def process_observed(view: View, state: ProcessState) -> View:
    """The view once the process is found in ``state``, without an action of the sidecar."""
    before, process = view.process.state, replace(view.process, state=state)
    if isinstance(state, Running) and isinstance(before, Running):
        ended = state.started_at != before.started_at
    else:
        ended = isinstance(state, Exited | NotLaunched)
    return replace(view, process=process, health=_unprobed(view.health) if ended else view.health)


def health_observed(view: View, health: Health) -> View:
    """The view after a probe of the process."""
    return replace(view, health=replace(view.health, healthy=health.healthy, reason=health.reason))


def applicable_verdict(view: View, verdict: Verdict | None) -> Verdict | None:
    """Return the verdict to apply, given the ``verdict`` in etcd.

    A refusal of another node with the same NodeID is ignored. Otherwise two refused nodes that share a NodeID
    would each ask again after every answer to the other.
    """
    applied, attempt = view.network.verdict, view.file.attempt
    for_another = verdict and verdict.kind is VerdictKind.REFUSED and verdict.attempt != attempt
    return applied if for_another and applied and applied.attempt == attempt else verdict


def _unprobed(health: HealthView) -> HealthView:
    return replace(health, healthy=False, reason="")


def _loaded_version(view: View) -> int:
    """The canonical version whose list the process was started on; 0 if none is known.

    A list that is the same in two versions counts as loaded in both. If versions decrease, because etcd was
    restored from a backup, the loaded version is unknown.
    """
    process, canonical = view.process, view.network.canonical
    if not canonical or isinstance(process.state, NotLaunched | Exited):
        return process.loaded_version
    loaded = view.file.document and view.file.document.servers
    if isinstance(process.state, Running):
        loaded = process.state.loaded
    if loaded == canonical.servers:
        return canonical.version
    return process.loaded_version if process.loaded_version < canonical.version else 0


def _last_known_good(view: View) -> VersionedServers | None:
    """The canonical list once the file holds it; until then, the one before.

    None for a removed node: it must not start from a list if etcd is unreachable at a later start.
    """
    if is_removed(view):
        return None
    canonical, document, url = view.network.canonical, view.file.document, view.identity.url
    if canonical is None or document is None or document.servers != canonical.servers:
        return view.last_known_good
    if url is not None and url not in canonical.servers:
        return view.last_known_good
    return VersionedServers(canonical.version, canonical.servers)


def _health(before: View, after: View) -> HealthView:
    health = replace(after.health, unhealthy_since=_unhealthy_since(before, after))
    if health.healthy and not before.health.healthy:
        health = replace(health, recoveries=health.recoveries + 1)
    process = after.process.state
    if health.healthy and isinstance(process, Running) and health.last_healthy_start != process.started_at:
        health = replace(health, last_healthy_start=process.started_at, failed_starts=0)
    return health


def _unhealthy_since(before: View, after: View) -> float | None:
    """Without this, a launcher that restarts a crashing process would extend its startup deadline forever."""
    old, new = before.process.state, after.process.state
    if after.health.healthy or not isinstance(old, Running) or not isinstance(new, Running):
        return None
    if new.started_at == old.started_at or old.awaiting_restart:
        return before.health.unhealthy_since  # the same process; or the pause before the next one
    if before.process.in_progress or before.health.last_healthy_start == old.started_at:
        return None  # the sidecar restarted it; or the process before it had been healthy
    return old.started_at if before.health.unhealthy_since is None else before.health.unhealthy_since


def _failed_starts_after_restart(view: View, restart: RestartProcess | StopForRestart, now: float) -> int:
    """Another list starts the count again, and a start that a newer list interrupts is not a failed one."""
    process = view.process.state
    if isinstance(process, Running) and process.loaded != restart.servers:
        return 0
    deadline = Facts.of(view).startup_deadline
    return view.health.failed_starts + (deadline is not None and now >= deadline)
