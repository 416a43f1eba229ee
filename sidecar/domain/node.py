"""The node's decision: ``(what this node knows, now) -> what to do next, and why``.

Level-triggered: whatever woke the loop up, `decide` looks at everything and the newest canonical list wins.
The rules stand in the order in which they are asked; the first that has something to say decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from sidecar.domain.canonical import Canonical
from sidecar.domain.document import Document
from sidecar.domain.identity import Identity, Role
from sidecar.domain.membership import Grant, Verdict, VerdictKind
from sidecar.domain.process import Exited, NoProcess, NotLaunched, ProcessState, Running
from sidecar.domain.report import Phase
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class Known:
    """The list that was last applied here, and its version."""

    version: int
    servers: ServerList


_NOT_LAUNCHED = NotLaunched()


@dataclass(frozen=True, slots=True)
class View:
    """Everything a node decides from.

    ``listed``: the network's state was read in this life. ``away``: etcd does not answer now.
    ``distrust``: why the newest canonical list is not ``canonical``, the one obeyed. ``busy``: the decision
    that is being carried out on the process at this moment. ``applied``: the last-known-good list.
    """

    identity: Identity
    bootstrap: bool = True
    stop_when_removed: bool = True
    listed: bool = False
    away: bool = False
    lease_alive: bool = False
    canonical: Canonical | None = None
    distrust: str | None = None
    verdict: Verdict | None = None
    grant: Grant | None = None
    file: Document | None = None
    file_problem: str = ""
    applied: Known | None = None
    process: ProcessState = _NOT_LAUNCHED
    busy: Decision | None = None
    healthy: bool = False
    health_reason: str = ""
    loaded_version: int = 0
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Put ``servers`` into ``file``. ``rejected``: what stands there is an edit nobody authorised."""

    file: Document
    servers: ServerList
    rejected: bool


@dataclass(frozen=True, slots=True)
class AskToJoin:
    """Ask the leader to let this server in; ``servers`` is what its file names."""

    servers: ServerList
    attempt: str


@dataclass(frozen=True, slots=True)
class StartProcess:
    """Launch the process on a file that holds ``servers``."""

    servers: ServerList


@dataclass(frozen=True, slots=True)
class StopProcess:
    """Stop the process.

    A restart is no action of its own: a stopped process that belongs to the network is started again, on
    whatever the file holds by then, so changes that come while it stops cost no second restart.
    """


Action = WriteFile | AskToJoin | StartProcess | StopProcess


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the node stands, why, and what to do: ``action`` None is to wait, at most until ``until``."""

    phase: Phase
    reason: str
    action: Action | None = None
    until: float | None = None


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
    basis = _basis(view)
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


def is_removed(view: View) -> bool:
    """Whether a tombstone keeps this node out: the list says so, or the leader told it."""
    if view.verdict and view.verdict.kind is VerdictKind.REMOVED:
        return True
    return bool(view.canonical and view.identity.url in view.canonical.removed)


def heard(view: View, verdict: Verdict | None) -> Verdict | None:
    """What to make of the ``verdict`` in etcd: an answer to another node of this NodeID is none to this one.

    Else two that are refused under one NodeID would ask again at each answer to the other, for ever.
    """
    mine = view.verdict
    for_another = verdict and verdict.kind is VerdictKind.REFUSED and verdict.attempt != view.attempt
    return mine if for_another and mine and mine.attempt == view.attempt else verdict


def may_lead(view: View) -> bool:
    """Whether this node may stand for election: a listed server, or the first one of a new network."""
    if view.identity.role is not Role.FEDERATED or not view.listed or is_removed(view):
        return False
    if view.canonical is None:
        own = own_list(view)
        return own is not None and view.identity.url in own.servers and not view.distrust
    return view.identity.url in view.canonical.servers


def own_list(view: View) -> Known | None:
    """The list this node would publish where the network has none; None where it must not.

    The one obeyed until it vanished, also where the file could not follow it.
    """
    if not view.bootstrap or view.file is None:
        return None
    if view.canonical:
        return Known(view.canonical.version, view.canonical.servers)
    return view.applied or Known(0, view.file.servers)


def list_to_hold(view: View) -> ServerList | None:
    """The list that the file has to hold; None where the network has no say in it."""
    basis = _basis(view)
    url = view.identity.url
    if basis is None or is_removed(view) or (url is not None and url not in basis):
        return None
    return basis


def loaded_version(view: View) -> int:
    """The canonical version whose list the process was started on; 0 where no version says so.

    A list that did not change between two versions was loaded in both. Versions that fall, after etcd was
    restored from a backup, make what was loaded unknown.
    """
    if not view.canonical or isinstance(view.process, NotLaunched | Exited):
        return view.loaded_version
    loaded = view.file and view.file.servers
    if isinstance(view.process, Running):
        loaded = view.process.loaded
    if loaded == view.canonical.servers:
        return view.canonical.version
    return view.loaded_version if view.loaded_version < view.canonical.version else 0


def applied(view: View) -> Known | None:
    """The list to call last-known-good: the canonical one once the file holds it, else the one before.

    None for a node that was removed: it must not start from one when etcd is away, at any later boot.
    """
    if is_removed(view):
        return None
    canonical, url = view.canonical, view.identity.url
    if canonical is None or view.file is None or view.file.servers != canonical.servers:
        return view.applied
    if url is not None and url not in canonical.servers:
        return view.applied
    return Known(canonical.version, canonical.servers)


def _basis(view: View) -> ServerList | None:
    """The list to obey: the canonical one; without a good one at boot, the last-known-good one."""
    if view.canonical:
        return view.canonical.servers
    if view.applied and (view.distrust or (view.away and not view.listed)):
        return view.applied.servers
    return None


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
