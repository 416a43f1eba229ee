"""What one node knows, as one frozen value, and what follows from it without deciding anything."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.domain.documents.document import Document
from sidecar.domain.identity import Identity, Role
from sidecar.domain.node.process import Exited, NotLaunched, Patience, ProcessState, Running
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.membership import Verdict, VerdictKind
from sidecar.domain.records.report import Phase, Whereabouts
from sidecar.domain.records.rollout import Exemption, Grant, Standstill
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class Known:
    """The list that was last applied here, and its version."""

    version: int
    servers: ServerList


_NOT_LAUNCHED = NotLaunched()
_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class View:
    """Everything a node decides from.

    ``listed``: the network's state was read in this life. ``away``: etcd does not answer now. ``distrust``:
    why the newest canonical list is not ``canonical``, the one obeyed. ``taken``: why its NodeID is another
    node's. ``rivals``: who claims what this node has. ``busy``: the decision that is being carried out on the
    process at this moment. ``applied``: the last-known-good list. ``recoveries``: how often the process was
    found healthy after it was not. ``came_up``: the `Running.since` of the last process that was healthy
    once. ``fruitless``: how many starts in a row did not make it healthy. ``unwell_since``: the
    `Running.since` of the first of several lives in a row that began by themselves and were not healthy; None
    where there is but one. ``born``: when this life of the sidecar began, monotonic.
    """

    identity: Identity
    born: float = 0.0
    bootstrap: bool = True
    stop_when_removed: bool = True
    listed: bool = False
    away: bool = False
    lease_alive: bool = False
    canonical: Canonical | None = None
    distrust: str | None = None
    verdict: Verdict | None = None
    taken: str = ""
    rivals: tuple[Whereabouts, ...] = ()
    grant: Grant | None = None
    pause: Exemption | None = None
    standstill: Standstill | None = None
    file: Document | None = None
    file_problem: str = ""
    applied: Known | None = None
    process: ProcessState = _NOT_LAUNCHED
    busy: Decision | None = None
    healthy: bool = False
    recoveries: int = 0
    health_reason: str = ""
    patience: Patience = _PATIENCE
    came_up: float | None = None
    fruitless: int = 0
    unwell_since: float | None = None
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
    """Stop the process for good."""


@dataclass(frozen=True, slots=True)
class RestartProcess:
    """Make the process read its file, which holds ``servers``, anew.

    Of a process that the sidecar launches only the stop is carried out: one that belongs to the network is
    started again by the ordinary rule, on whatever the file holds by then, so changes that come while it
    stops cost no second restart.
    """

    servers: ServerList


Action = WriteFile | AskToJoin | StartProcess | StopProcess | RestartProcess


@dataclass(frozen=True, slots=True)
class Decision:
    """Where the node stands, why, and what to do: ``action`` None is to wait, at most until ``until``."""

    phase: Phase
    reason: str
    action: Action | None = None
    until: float | None = None


def is_removed(view: View) -> bool:
    """Whether a tombstone keeps this node out: the list says so, or the leader told it."""
    if view.verdict and view.verdict.kind is VerdictKind.REMOVED:
        return True
    return bool(view.canonical and view.identity.url in view.canonical.removed)


def turned_away(view: View) -> str:
    """Why this node must not be started: its NodeID or its URL is that of another, which is alive."""
    if view.verdict and view.verdict.kind is VerdictKind.TAKEN:
        return view.verdict.reason
    return view.taken


def boot_checked(view: View) -> bool:
    """Whether the process may start on what its file holds: the list to obey, and a list that names it."""
    basis, url = list_to_obey(view), view.identity.url
    if basis is None or view.file is None or view.file_problem or is_removed(view) or turned_away(view):
        return False
    return view.file.servers == basis and (url is None or url in basis)


def comes_up_by(view: View) -> float | None:
    """When the running process has to have been healthy; None for one that was, or that does not run."""
    process = view.process
    if not isinstance(process, Running) or view.healthy or view.came_up == process.since:
        return None
    first = process.since if view.unwell_since is None else view.unwell_since
    # A sidecar's start restarts nothing: one that ran before is given its time from there.
    return max(first, view.born) + view.patience.of(view.fruitless)


def fruitless_after(view: View, servers: ServerList, now: float) -> int:
    """`View.fruitless` of a process that is restarted ``now``, on ``servers``.

    Another list is a new try. A boot that a newer list cuts short was not in vain either: nobody waited to
    see how it ends.
    """
    if isinstance(view.process, Running) and view.process.loaded != servers:
        return 0
    due = comes_up_by(view)
    return view.fruitless + (due is not None and now >= due)


def unwell_since(before: View, after: View) -> float | None:
    """`View.unwell_since` of the view that follows ``before``, and is ``after`` in all else.

    What starts a process again and again after each crash would else give it new time with each life, and
    that it never comes up would never show.
    """
    known, process = before.process, after.process
    if after.healthy or not isinstance(known, Running) or not isinstance(process, Running):
        return None
    if process.since == known.since or known.between:
        return before.unwell_since  # the same life; or a pause, which is none
    if before.busy or before.came_up == known.since:
        return None  # the sidecar's own doing; or the end of one that was well
    return known.since if before.unwell_since is None else before.unwell_since


def heard(view: View, verdict: Verdict | None) -> Verdict | None:
    """What to make of the ``verdict`` in etcd: an answer to another node of this NodeID is none to this one.

    Else two that are refused under one NodeID would ask again at each answer to the other, for ever.
    """
    mine = view.verdict
    for_another = verdict and verdict.kind is VerdictKind.REFUSED and verdict.attempt != view.attempt
    return mine if for_another and mine and mine.attempt == view.attempt else verdict


def may_lead(view: View) -> bool:
    """Whether this node may stand for election: a listed server, or the first one of a new network."""
    if view.identity.role is not Role.FEDERATED or not view.listed:
        return False
    if is_removed(view) or turned_away(view):
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
    basis = list_to_obey(view)
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


def list_to_obey(view: View) -> ServerList | None:
    """The list to obey: the canonical one; without a good one at boot, the last-known-good one."""
    if view.canonical:
        return view.canonical.servers
    if view.applied and (view.distrust or (view.away and not view.listed)):
        return view.applied.servers
    return None
