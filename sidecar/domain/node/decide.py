"""The node's decision: ``(what this node knows, now) -> what to do next, and why``.

Level-triggered: whatever woke the loop up, `decide` looks at everything and the newest canonical list wins.
The rules stand in the order in which they are asked; the first that has something to say decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from sidecar.domain.documents.document import Document
from sidecar.domain.node.actions import (
    AskToJoin,
    Decision,
    RestartProcess,
    StartProcess,
    StopProcess,
    WriteFile,
)
from sidecar.domain.node.conflicts import describe_conflicts
from sidecar.domain.node.facts import (
    bootstrap_servers,
    conflict_reason,
    desired_servers,
    is_removed,
    startup_deadline,
)
from sidecar.domain.node.process import Exited, NoProcess, NotLaunched, Running
from sidecar.domain.node.view import View
from sidecar.domain.records.membership import VerdictKind
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList


def decide(view: View, now: float) -> Decision:
    """Return what to do next. ``now`` is monotonic, on the clock of ``view.process``."""
    decision = _decide(view, now)
    warnings = [trouble for trouble in _warnings(view) if trouble not in decision.reason]
    return replace(decision, reason="; ".join((decision.reason, *warnings))) if warnings else decision


def _decide(view: View, now: float) -> Decision:
    excluded = _decide_excluded(view, now)
    if excluded:
        return excluded
    if view.file is None:
        return _hold(view, view.file_problem or "its file has not been read yet")
    desired = desired_servers(view)
    if desired is None:
        return _hold(view, _why_waiting(view))
    url = view.identity.url
    if url is not None and url not in desired:
        return _not_listed(view, view.file)
    if view.file.servers != desired:
        return _update_file(view, view.file, desired)
    return _decide_process(view, desired, now)


def _warnings(view: View) -> list[str]:
    """What somebody should see to, whatever this node does meanwhile."""
    doubt = f"the canonical list is not obeyed: {view.untrusted_reason}" if view.untrusted_reason else ""
    troubles = (view.file_problem, doubt, conflict_reason(view), describe_conflicts(view))
    return [" / ".join(trouble.splitlines()) for trouble in troubles if trouble]


def _why_waiting(view: View) -> str:
    if view.untrusted_reason:
        return f"the canonical list is not obeyed: {view.untrusted_reason}"
    if view.store_unreachable:
        return "etcd does not answer, and there is no last-known-good list to start from; waiting for etcd"
    if not view.synced:
        return "waiting for etcd's first answer"
    own = bootstrap_servers(view)
    if own and view.identity.url and view.identity.url not in own.servers:
        return f"no canonical list yet, and its own list does not name its URL, {view.identity.url}"
    if view.bootstrap and view.identity.may_lead:
        return "no canonical list yet; the first federated server to lead publishes its own"
    return "no canonical list yet; waiting for a federated server to publish one"


def _hold(view: View, reason: str) -> Decision:
    """Nothing can be decided: a process that runs goes on, one that does not is not started."""
    phase = Phase.RUNNING if isinstance(view.process, Running) else Phase.WAITING
    return Decision(phase, reason)


def _decide_excluded(view: View, now: float) -> Decision | None:
    if is_removed(view):
        return _decide_removed(view, now)
    if conflict_reason(view) and not isinstance(view.process, Running):
        return Decision(Phase.REFUSED, conflict_reason(view))
    return None


def _decide_removed(view: View, now: float) -> Decision:
    if view.in_progress:
        return replace(view.in_progress, action=None, until=None)
    reason = view.verdict.reason if view.verdict else "removed from the network; `sidecar readmit` it"
    if not isinstance(view.process, Running):
        return Decision(Phase.REMOVED, reason)
    if not view.stop_when_removed:
        return Decision(Phase.REMOVED, f"{reason}; its process is left alone")
    failure = view.process.restart_failure
    if failure and now < failure.retry_at:
        return Decision(Phase.REMOVED, f"{reason}; {failure.reason}", until=failure.retry_at)
    return Decision(Phase.REMOVED, reason, StopProcess())


def _not_listed(view: View, file: Document) -> Decision:
    """A server that is not in the list: ask to be let in, and seldom again where the answer was no."""
    verdict = view.verdict if view.verdict and view.verdict.attempt == view.attempt else None
    if conflict_reason(view):
        return Decision(Phase.REFUSED, conflict_reason(view))  # and its process was there before
    if not view.synced:
        return _hold(view, "its URL is not in the last-known-good list; waiting for etcd")
    ask = AskToJoin(file.servers, view.attempt)
    if verdict and verdict.kind is VerdictKind.REFUSED:
        # It goes on asking, now and then: the network may let in others tomorrow.
        return Decision(Phase.REFUSED, verdict.reason, ask)
    return Decision(
        Phase.JOINING, verdict.reason if verdict else "asked to join; waiting for the leader", ask
    )


def _update_file(view: View, file: Document, desired: ServerList) -> Decision:
    # Without a last-known-good list nothing tells an edit from a file that was never in step.
    rejected = view.last_known_good is not None and file.servers != view.last_known_good.servers
    version = (
        view.canonical.version if view.canonical else (view.last_known_good and view.last_known_good.version)
    )
    reason = f"its file does not hold the list of version {version}"
    has_process = isinstance(view.process, Running)
    has_process |= isinstance(view.process, NoProcess) and view.loaded_version > 0
    phase = Phase.RUNNING if has_process else Phase.WAITING
    return Decision(phase, reason, WriteFile(file, desired, rejected))


def _decide_process(view: View, desired: ServerList, now: float) -> Decision:
    """The file is in step; see to the process."""
    if view.in_progress:
        return replace(view.in_progress, action=None, until=None)
    match view.process:
        case NoProcess():
            return _up_to_date(view)
        case NotLaunched():
            return Decision(Phase.STARTING, "its file is checked", StartProcess(desired))
        case Exited():
            return _start_after_exit(view.process, desired, now)
        case Running():
            return _supervise(view, view.process, desired, now)
        case _:
            assert_never(view.process)


def _start_after_exit(process: Exited, desired: ServerList, now: float) -> Decision:
    reason = process.reason if process.code is None else f"{process.reason} (exit code {process.code})"
    if now < process.retry_at:
        return Decision(Phase.CRASHED, reason, until=process.retry_at)
    return Decision(Phase.CRASHED, reason, StartProcess(desired))


def _up_to_date(view: View) -> Decision:
    if view.healthy:
        return Decision(Phase.RUNNING, "in step")
    return Decision(Phase.STARTING, f"in step, not healthy: {view.health_reason or 'not probed yet'}")


def _supervise(view: View, process: Running, desired: ServerList, now: float) -> Decision:
    deadline = startup_deadline(view)
    if deadline is not None and now >= deadline:
        # It serves nobody, so this needs no turn, and no etcd.
        waited = view.startup_timeout.after(view.failed_starts)
        reason = f"not healthy within {waited:g} s: {view.health_reason or 'not probed yet'}"
        return _restart(process, reason, desired, now)
    decision = _up_to_date(view) if process.loaded == desired else _wait_for_turn(view, process, desired, now)
    return decision if decision.action or decision.until is not None else replace(decision, until=deadline)


def _wait_for_turn(view: View, process: Running, desired: ServerList, now: float) -> Decision:
    """The process runs on an older list: it restarts when the leader grants it its turn."""
    if view.store_unreachable or not view.lease_alive or not view.canonical:
        return Decision(Phase.RESTART_PENDING, "etcd does not answer; nothing is restarted without it")
    version = view.canonical.version
    if process.started_at >= view.sidecar_started_at and startup_deadline(view) is not None:
        # It still boots, and serves nobody: this needs no turn. One that ran before this sidecar may serve.
        return _restart(process, f"into version {version}, before it has come up", desired, now)
    # A grant is used up by loading its version; one for an older version that was not used yet will do. But
    # a free one is for who is out of service.
    if (
        view.grant
        and view.grant.version > view.loaded_version
        and not (view.grant.already_unavailable and view.healthy)
    ):
        return _restart(process, f"into version {version}", desired, now)
    return Decision(
        Phase.RESTART_PENDING,
        f"waits for its turn to restart into version {version}{_why_turn_is_late(view)}",
    )


def _why_turn_is_late(view: View) -> str:
    """Why that may take a while, where it is known."""
    if view.pause:
        why = f": {view.pause.reason}" if view.pause.reason else ""
        return f"; {view.pause.by} keeps it out of rollouts{why}"
    if view.rollout_block:
        return f"; the rollout is {view.rollout_block}"
    return ""


def _restart(process: Running, reason: str, desired: ServerList, now: float) -> Decision:
    failure = process.restart_failure
    if failure and now < failure.retry_at:
        return Decision(Phase.RESTART_FAILED, f"{reason}: {failure.reason}", until=failure.retry_at)
    return Decision(Phase.RESTARTING, reason, RestartProcess(desired))
