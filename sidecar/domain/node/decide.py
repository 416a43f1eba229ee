"""The node's decision: ``(what this node knows, now) -> what to do next, and why``.

It is level-triggered: whatever woke the loop, `decide` looks at the whole view. The rules are asked in the
order in which they are written; the first that applies decides.
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
    StopForRestart,
    StopProcess,
    WriteFile,
)
from sidecar.domain.node.conflicts import describe_claimants
from sidecar.domain.node.facts import Facts
from sidecar.domain.node.process import Exited, NoProcess, NotLaunched, Running
from sidecar.domain.node.view import View
from sidecar.domain.records.membership import VerdictKind
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList

_NO_RESTART = "etcd does not answer; nothing is restarted without it"


def decide(view: View, now: float) -> Decision:
    """Return what to do next. ``now`` is monotonic, on the clock of ``view.process``."""
    facts = Facts.of(view)
    decision = _decide(view, facts, now)
    warnings = [warning for warning in _warnings(view, facts) if warning not in decision.reason]
    return replace(decision, reason="; ".join((decision.reason, *warnings))) if warnings else decision


def _decide(view: View, facts: Facts, now: float) -> Decision:  # noqa: PLR0911 - one return per rule
    runs, document = isinstance(view.process.state, Running), view.file.document
    if facts.removed:
        return _decide_removed(view, now)
    if facts.identity_taken_reason and not runs:
        return Decision(Phase.REFUSED, facts.identity_taken_reason)
    if document is None:
        return _hold(view, view.file.problem or "the file has not been read yet")
    if facts.desired is None:
        return _hold(view, _why_no_desired_list(view, facts))
    if not facts.listed:
        return _decide_unlisted(view, facts, document)
    if not facts.file_matches:
        return _update_file(view, document, facts.desired)
    return _decide_process(view, facts, facts.desired, now)


def _warnings(view: View, facts: Facts) -> list[str]:
    """What needs attention, whatever this node does meanwhile."""
    warnings = (
        view.file.problem,
        _why_untrusted(view),
        facts.identity_taken_reason,
        describe_claimants(view),
    )
    return [" / ".join(warning.splitlines()) for warning in warnings if warning]


def _why_untrusted(view: View) -> str:
    why = view.network.untrusted_reason
    return f"canonical list rejected: {why}" if why else ""


def _hold(view: View, reason: str) -> Decision:
    """Nothing can be decided: a running process keeps running, a stopped one is not started."""
    phase = Phase.RUNNING if isinstance(view.process.state, Running) else Phase.WAITING
    return Decision(phase, reason)


def _why_no_desired_list(view: View, facts: Facts) -> str:
    if why := _why_untrusted(view):
        return why
    if view.network.store_unreachable:
        return "etcd does not answer, and there is no last-known-good list to start from; waiting for etcd"
    if not view.network.synced:
        return "waiting for the first answer from etcd"
    own, url = facts.bootstrap_list, view.identity.url
    if own and url and url not in own.servers:
        return f"no canonical list yet, and the list in the file does not name this server's URL, {url}"
    if view.options.may_bootstrap and view.identity.may_lead:
        return "no canonical list yet; the first federated server to lead publishes its own"
    return "no canonical list yet; waiting for a federated server to publish one"


def _decide_removed(view: View, now: float) -> Decision:
    if view.process.in_progress:
        return _wait_for_action(view.process.in_progress)
    verdict, process = view.network.verdict, view.process.state
    reason = verdict.reason if verdict else "removed from the network; `sidecar readmit` admits it again"
    if not isinstance(process, Running):
        return Decision(Phase.REMOVED, reason)
    if not view.options.stop_when_removed:
        return Decision(Phase.REMOVED, f"{reason}; its process keeps running")
    failure = process.restart_failure
    if failure and now < failure.retry_at:
        return Decision(Phase.REMOVED, f"{reason}; {failure.reason}", until=failure.retry_at)
    return Decision(Phase.REMOVED, reason, StopProcess())


def _wait_for_action(in_progress: Decision) -> Decision:
    """Repeat the phase and reason of the action that is being carried out."""
    return replace(in_progress, action=None, until=None)


def _decide_unlisted(view: View, facts: Facts, document: Document) -> Decision:
    """The list does not name this server: ask to join, and keep asking, less often, after a refusal."""
    if facts.identity_taken_reason:
        # Its process was running before the conflict.
        return Decision(Phase.REFUSED, facts.identity_taken_reason)
    if not view.network.synced:
        return _hold(view, "the last-known-good list does not name this server's URL; waiting for etcd")
    answer, attempt = view.network.verdict, view.file.attempt
    if answer is None or answer.attempt != attempt:
        ask = AskToJoin(document.servers, attempt)
        return Decision(Phase.JOINING, "asked to join; waiting for the leader", ask)
    # Asking continues after a refusal: the policy of the network may change.
    refused = answer.kind is VerdictKind.REFUSED
    phase = Phase.REFUSED if refused else Phase.JOINING
    return Decision(phase, answer.reason, AskToJoin(document.servers, attempt, refused))


def _update_file(view: View, document: Document, desired: ServerList) -> Decision:
    last_known_good, process = view.last_known_good, view.process
    # Without a last-known-good list, an edit looks like a file that was never in step.
    rejected = last_known_good is not None and document.servers != last_known_good.servers
    newest = view.network.canonical or last_known_good
    version = newest and newest.version
    has_process = isinstance(process.state, Running)
    has_process |= isinstance(process.state, NoProcess) and process.loaded_version > 0
    return Decision(
        Phase.RUNNING if has_process else Phase.WAITING,
        f"its file does not hold the list of version {version}",
        WriteFile(document, desired, rejected),
    )


def _decide_process(view: View, facts: Facts, desired: ServerList, now: float) -> Decision:
    """The file is in step; now the process."""
    if view.process.in_progress:
        return _wait_for_action(view.process.in_progress)
    match view.process.state:
        case NoProcess():
            return _in_step(view)
        case NotLaunched():
            return Decision(Phase.STARTING, "its file is checked", StartProcess(desired))
        case Exited() as exited:
            return _start_after_exit(exited, desired, now)
        case Running() as running:
            return _supervise(view, facts, running, desired, now)
        case _:
            assert_never(view.process.state)


def _in_step(view: View) -> Decision:
    if view.health.healthy:
        return Decision(Phase.RUNNING, "in step")
    return Decision(Phase.STARTING, f"in step, not healthy: {_why_unhealthy(view)}")


def _why_unhealthy(view: View) -> str:
    return view.health.reason or "not probed yet"


def _start_after_exit(process: Exited, desired: ServerList, now: float) -> Decision:
    reason = process.reason if process.code is None else f"{process.reason} (exit code {process.code})"
    if now < process.retry_at:
        return Decision(Phase.CRASHED, reason, until=process.retry_at)
    return Decision(Phase.CRASHED, reason, StartProcess(desired))


def _supervise(view: View, facts: Facts, process: Running, desired: ServerList, now: float) -> Decision:
    deadline = facts.startup_deadline
    if deadline is not None and now >= deadline:
        # The process serves no client, so its restart needs neither a grant nor etcd.
        waited = view.options.startup_timeout.after(view.health.failed_starts)
        return _restart(
            view, process, f"not healthy within {waited:g} s: {_why_unhealthy(view)}", desired, now
        )
    if process.loaded == desired:
        decision = _in_step(view)
    else:
        decision = _replace_loaded_list(view, facts, process, desired, now)
    waits_for_deadline = decision.action is None and decision.until is None
    return replace(decision, until=deadline) if waits_for_deadline else decision


def _replace_loaded_list(
    view: View, facts: Facts, process: Running, desired: ServerList, now: float
) -> Decision:
    """The process runs on an older list: it restarts when the leader grants it."""
    network = view.network
    if network.store_unreachable or not network.lease_alive or not network.canonical:
        return Decision(Phase.RESTART_PENDING, _NO_RESTART)
    version = network.canonical.version
    starting = facts.startup_deadline is not None and process.started_at >= view.sidecar_started_at
    if starting:
        # It serves no client yet, so it needs no grant. A process that ran before this sidecar may serve.
        return _restart(view, process, f"into version {version}, before it was healthy", desired, now)
    if _has_usable_grant(view):
        return _restart(view, process, f"into version {version}", desired, now)
    waits = f"waiting for a grant to restart into version {version}"
    return Decision(Phase.RESTART_PENDING, waits + _why_not_granted(view))


def _has_usable_grant(view: View) -> bool:
    """A grant is used up once its version is loaded; an unused one also serves for any newer version.

    One for a node that is already unavailable is not for a healthy node.
    """
    grant = view.network.grant
    if grant is None or grant.version <= view.process.loaded_version:
        return False
    return not (grant.already_unavailable and view.health.healthy)


def _why_not_granted(view: View) -> str:
    """Why the grant may take a while, if that is known."""
    if pause := view.network.pause:
        return f"; paused by {pause.by}" + (f": {pause.reason}" if pause.reason else "")
    return f"; the rollout is {view.network.rollout_block}" if view.network.rollout_block else ""


def _restart(view: View, process: Running, reason: str, desired: ServerList, now: float) -> Decision:
    failure = process.restart_failure
    if failure and now < failure.retry_at:
        return Decision(Phase.RESTART_FAILED, f"{reason}: {failure.reason}", until=failure.retry_at)
    in_place = view.options.restarts_in_place
    return Decision(
        Phase.RESTARTING, reason, RestartProcess(desired) if in_place else StopForRestart(desired)
    )
