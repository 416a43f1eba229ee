"""The node's decision: ``(what this node knows, now) -> what to do next, and why``.

Level-triggered: whatever woke the loop up, `decide` looks at everything and the newest canonical list wins.
The rules stand in the order in which they are asked; the first that has something to say decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from sidecar.domain.documents.document import Document
from sidecar.domain.node.conflicts import contested
from sidecar.domain.node.process import Exited, NoProcess, NotLaunched, Running
from sidecar.domain.node.view import (
    AskToJoin,
    Decision,
    RestartProcess,
    StartProcess,
    StopProcess,
    View,
    WriteFile,
    comes_up_by,
    is_removed,
    list_to_obey,
    own_list,
    turned_away,
)
from sidecar.domain.records.membership import VerdictKind
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList


def decide(view: View, now: float) -> Decision:
    """Return what to do next. ``now`` is monotonic, on the clock of ``view.process``."""
    decision = _decide(view, now)
    troubles = [trouble for trouble in _troubles(view) if trouble not in decision.reason]
    return replace(decision, reason="; ".join((decision.reason, *troubles))) if troubles else decision


def _decide(view: View, now: float) -> Decision:
    kept_out = _kept_out(view, now)
    if kept_out:
        return kept_out
    if view.file is None:
        return _standing_still(view, view.file_problem or "its file has not been read yet")
    basis = list_to_obey(view)
    if basis is None:
        return _standing_still(view, _what_is_missing(view))
    url = view.identity.url
    if url is not None and url not in basis:
        return _outside(view, view.file)
    if view.file.servers != basis:
        return _bring_in_step(view, view.file, basis)
    return _tend_process(view, basis, now)


def _troubles(view: View) -> list[str]:
    """What somebody should see to, whatever this node does meanwhile."""
    doubt = f"the canonical list is not obeyed: {view.distrust}" if view.distrust else ""
    troubles = (view.file_problem, doubt, turned_away(view), contested(view))
    return [" / ".join(trouble.splitlines()) for trouble in troubles if trouble]


def _what_is_missing(view: View) -> str:
    if view.distrust:
        return f"the canonical list is not obeyed: {view.distrust}"
    if view.away:
        return "etcd does not answer, and there is no last-known-good list to start from; waiting for etcd"
    if not view.listed:
        return "waiting for etcd's first answer"
    own = own_list(view)
    if own and view.identity.url and view.identity.url not in own.servers:
        return f"no canonical list yet, and its own list does not name its URL, {view.identity.url}"
    if view.bootstrap and view.identity.may_lead:
        return "no canonical list yet; the first federated server to lead publishes its own"
    return "no canonical list yet; waiting for a federated server to publish one"


def _standing_still(view: View, reason: str) -> Decision:
    """Nothing can be decided: a process that runs goes on, one that does not is not started."""
    phase = Phase.RUNNING if isinstance(view.process, Running) else Phase.WAITING
    return Decision(phase, reason)


def _kept_out(view: View, now: float) -> Decision | None:
    if is_removed(view):
        return _removed(view, now)
    if turned_away(view) and not isinstance(view.process, Running):
        return Decision(Phase.REFUSED, turned_away(view))
    return None


def _removed(view: View, now: float) -> Decision:
    if view.busy:
        return replace(view.busy, action=None, until=None)
    reason = view.verdict.reason if view.verdict else "removed from the network; `sidecar readmit` it"
    if not isinstance(view.process, Running):
        return Decision(Phase.REMOVED, reason)
    if not view.stop_when_removed:
        return Decision(Phase.REMOVED, f"{reason}; its process is left alone")
    trouble = view.process.trouble
    if trouble and now < trouble.retry_at:
        return Decision(Phase.REMOVED, f"{reason}; {trouble.reason}", until=trouble.retry_at)
    return Decision(Phase.REMOVED, reason, StopProcess())


def _outside(view: View, file: Document) -> Decision:
    """A server that is not in the list: ask to be let in, and seldom again where the answer was no."""
    told = view.verdict if view.verdict and view.verdict.attempt == view.attempt else None
    if turned_away(view):
        return Decision(Phase.REFUSED, turned_away(view))  # and its process was there before
    if not view.listed:
        return _standing_still(view, "its URL is not in the last-known-good list; waiting for etcd")
    ask = AskToJoin(file.servers, view.attempt)
    if told and told.kind is VerdictKind.REFUSED:
        # It goes on asking, now and then: the network may let in others tomorrow.
        return Decision(Phase.REFUSED, told.reason, ask)
    return Decision(Phase.JOINING, told.reason if told else "asked to join; waiting for the leader", ask)


def _bring_in_step(view: View, file: Document, basis: ServerList) -> Decision:
    # Without a last-known-good list nothing tells an edit from a file that was never in step.
    rejected = view.applied is not None and file.servers != view.applied.servers
    version = view.canonical.version if view.canonical else (view.applied and view.applied.version)
    reason = f"its file does not hold the list of version {version}"
    stands = isinstance(view.process, Running)
    stands |= isinstance(view.process, NoProcess) and view.loaded_version > 0
    phase = Phase.RUNNING if stands else Phase.WAITING
    return Decision(phase, reason, WriteFile(file, basis, rejected))


def _tend_process(view: View, basis: ServerList, now: float) -> Decision:
    """The file is in step; see to the process."""
    if view.busy:
        return replace(view.busy, action=None, until=None)
    match view.process:
        case NoProcess():
            return _in_step(view)
        case NotLaunched():
            return Decision(Phase.STARTING, "its file is checked", StartProcess(basis))
        case Exited():
            return _bring_back(view.process, basis, now)
        case Running():
            return _see_to(view, view.process, basis, now)
        case _:
            assert_never(view.process)


def _bring_back(process: Exited, basis: ServerList, now: float) -> Decision:
    reason = process.reason if process.code is None else f"{process.reason} (exit code {process.code})"
    if now < process.retry_at:
        return Decision(Phase.CRASHED, reason, until=process.retry_at)
    return Decision(Phase.CRASHED, reason, StartProcess(basis))


def _in_step(view: View) -> Decision:
    if view.healthy:
        return Decision(Phase.RUNNING, "in step")
    return Decision(Phase.STARTING, f"in step, not healthy: {view.health_reason or 'not probed yet'}")


def _see_to(view: View, process: Running, basis: ServerList, now: float) -> Decision:
    due = comes_up_by(view)
    if due is not None and now >= due:
        # It serves nobody, so this needs no turn, and no etcd.
        waited = view.patience.of(view.fruitless)
        reason = f"not healthy within {waited:g} s: {view.health_reason or 'not probed yet'}"
        return _restart(process, reason, basis, now)
    decision = _in_step(view) if process.loaded == basis else _wait_for_turn(view, process, basis, now)
    return decision if decision.action or decision.until is not None else replace(decision, until=due)


def _wait_for_turn(view: View, process: Running, basis: ServerList, now: float) -> Decision:
    """The process runs on an older list: it restarts when the leader grants it its turn."""
    if view.away or not view.lease_alive or not view.canonical:
        return Decision(Phase.RESTART_PENDING, "etcd does not answer; nothing is restarted without it")
    version = view.canonical.version
    if process.since >= view.born and comes_up_by(view) is not None:
        # It still boots, and serves nobody: this needs no turn. One that ran before this sidecar may serve.
        return _restart(process, f"into version {version}, before it has come up", basis, now)
    # A grant is used up by loading its version; one for an older version that was not used yet will do. But
    # a free one is for who is out of service.
    if view.grant and view.grant.version > view.loaded_version and not (view.grant.free and view.healthy):
        return _restart(process, f"into version {version}", basis, now)
    return Decision(
        Phase.RESTART_PENDING, f"waits for its turn to restart into version {version}{_held_up(view)}"
    )


def _held_up(view: View) -> str:
    """Why that may take a while, where it is known."""
    if view.pause:
        why = f": {view.pause.reason}" if view.pause.reason else ""
        return f"; {view.pause.by} keeps it out of rollouts{why}"
    if view.standstill:
        return f"; the rollout is {view.standstill}"
    return ""


def _restart(process: Running, reason: str, basis: ServerList, now: float) -> Decision:
    trouble = process.trouble
    if trouble and now < trouble.retry_at:
        return Decision(Phase.RESTART_FAILED, f"{reason}: {trouble.reason}", until=trouble.retry_at)
    return Decision(Phase.RESTARTING, reason, RestartProcess(basis))
