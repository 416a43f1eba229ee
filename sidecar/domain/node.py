"""The node's decision: ``(what this node knows, now) -> what to do next, and why``.

Level-triggered: whatever woke the loop up, `decide` looks at everything and the newest canonical list wins.
The rules stand in the order in which they are asked; the first that has something to say decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from sidecar.domain.document import Document
from sidecar.domain.process import Exited, NoProcess, NotLaunched, Running
from sidecar.domain.report import Phase
from sidecar.domain.servers import ServerList
from sidecar.domain.view import (
    AskToJoin,
    Decision,
    StartProcess,
    StopProcess,
    View,
    WriteFile,
    is_removed,
    list_to_obey,
    own_list,
)


def decide(view: View, now: float) -> Decision:
    """Return what to do next. ``now`` is monotonic, on the clock of ``view.process``."""
    decision = _decide(view, now)
    troubles = [trouble for trouble in _troubles(view) if trouble not in decision.reason]
    return replace(decision, reason="; ".join((decision.reason, *troubles))) if troubles else decision


def _decide(view: View, now: float) -> Decision:
    if is_removed(view):
        return _removed(view)
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
    return [" / ".join(trouble.splitlines()) for trouble in (view.file_problem, doubt) if trouble]


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


def _removed(view: View) -> Decision:
    if view.busy:
        return replace(view.busy, action=None)
    reason = view.verdict.reason if view.verdict else "removed from the network; `sidecar readmit` it"
    if isinstance(view.process, Running) and view.stop_when_removed:
        return Decision(Phase.REMOVED, reason, StopProcess())
    return Decision(Phase.REMOVED, reason)


def _outside(view: View, file: Document) -> Decision:
    """A server that is not in the list: ask to be let in, once for each thing its file says."""
    if view.verdict and view.verdict.attempt == view.attempt:
        return Decision(Phase.REFUSED, view.verdict.reason)
    if not view.listed:
        return _standing_still(view, "its URL is not in the last-known-good list; waiting for etcd")
    ask = AskToJoin(file.servers, view.attempt)
    return Decision(Phase.JOINING, "asked to join; waiting for the leader", ask)


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
        return replace(view.busy, action=None)
    match view.process:
        case NoProcess():
            return _in_step(view)
        case NotLaunched():
            return Decision(Phase.STARTING, "its file is checked", StartProcess(basis))
        case Exited():
            return _bring_back(view.process, basis, now)
        case Running(loaded=loaded):
            if loaded == basis:
                return _in_step(view)
            return _wait_for_turn(view)
        case _:
            assert_never(view.process)


def _bring_back(process: Exited, basis: ServerList, now: float) -> Decision:
    code = "unknown" if process.code is None else process.code
    reason = f"the process ended by itself (exit code {code})"
    if now < process.retry_at:
        return Decision(Phase.CRASHED, reason, until=process.retry_at)
    return Decision(Phase.CRASHED, reason, StartProcess(basis))


def _in_step(view: View) -> Decision:
    if view.healthy:
        return Decision(Phase.RUNNING, "in step")
    return Decision(Phase.STARTING, f"in step, not healthy: {view.health_reason or 'not probed yet'}")


def _wait_for_turn(view: View) -> Decision:
    """The process runs on an older list: it restarts when the leader grants it its turn."""
    if view.away or not view.lease_alive or not view.canonical:
        return Decision(Phase.RESTART_PENDING, "etcd does not answer; nothing is restarted without it")
    version = view.canonical.version
    # A grant is used up by loading its version; one for an older version that was not used yet will do.
    if view.grant and view.grant.version > view.loaded_version:
        return Decision(Phase.RESTARTING, f"into version {version}", StopProcess())
    return Decision(Phase.RESTART_PENDING, f"waits for its turn to restart into version {version}")
