"""What follows from a node's view, without deciding anything."""

from sidecar.domain.identity import Role
from sidecar.domain.node.process import Exited, NotLaunched, Running
from sidecar.domain.node.view import View
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.records.membership import Verdict, VerdictKind
from sidecar.domain.servers import ServerList


def is_removed(view: View) -> bool:
    """Whether a tombstone keeps this node out: the list says so, or the leader told it."""
    if view.verdict and view.verdict.kind is VerdictKind.REMOVED:
        return True
    return bool(view.canonical and view.identity.url in view.canonical.removed)


def conflict_reason(view: View) -> str:
    """Why this node must not be started: its NodeID or its URL is that of another, which is alive."""
    if view.verdict and view.verdict.kind is VerdictKind.CONFLICT:
        return view.verdict.reason
    return view.node_id_conflict


def passes_boot_check(view: View) -> bool:
    """Whether the process may start on what its file holds: the list to obey, and a list that names it."""
    desired, url = desired_servers(view), view.identity.url
    if desired is None or view.file is None or view.file_problem or is_removed(view) or conflict_reason(view):
        return False
    return view.file.servers == desired and (url is None or url in desired)


def startup_deadline(view: View) -> float | None:
    """When the running process has to have been healthy; None for one that was, or that does not run."""
    process = view.process
    if not isinstance(process, Running) or view.healthy or view.last_healthy_start == process.started_at:
        return None
    first = process.started_at if view.unhealthy_since is None else view.unhealthy_since
    # A sidecar's start restarts nothing: one that ran before is given its time from there.
    return max(first, view.sidecar_started_at) + view.startup_timeout.after(view.failed_starts)


def failed_starts_after_restart(view: View, servers: ServerList, now: float) -> int:
    """`View.failed_starts` of a process that is restarted ``now``, on ``servers``.

    Another list is a new try. A boot that a newer list cuts short was not in vain either: nobody waited to
    see how it ends.
    """
    if isinstance(view.process, Running) and view.process.loaded != servers:
        return 0
    deadline = startup_deadline(view)
    return view.failed_starts + (deadline is not None and now >= deadline)


def derive_unhealthy_since(before: View, after: View) -> float | None:
    """`View.derive_unhealthy_since` of the view that follows ``before``, and is ``after`` in all else.

    What starts a process again and again after each crash would else give it new time with each life, and
    that it never comes up would never show.
    """
    previous, process = before.process, after.process
    if after.healthy or not isinstance(previous, Running) or not isinstance(process, Running):
        return None
    if process.started_at == previous.started_at or previous.awaiting_restart:
        return before.unhealthy_since  # the same life; or a pause, which is none
    if before.in_progress or before.last_healthy_start == previous.started_at:
        return None  # the sidecar's own doing; or the end of one that was well
    return previous.started_at if before.unhealthy_since is None else before.unhealthy_since


def applicable_verdict(view: View, verdict: Verdict | None) -> Verdict | None:
    """What to make of the ``verdict`` in etcd: an answer to another node of this NodeID is none to this one.

    Else two that are refused under one NodeID would ask again at each answer to the other, for ever.
    """
    mine = view.verdict
    for_another = verdict and verdict.kind is VerdictKind.REFUSED and verdict.attempt != view.attempt
    return mine if for_another and mine and mine.attempt == view.attempt else verdict


def may_campaign(view: View) -> bool:
    """Whether this node may stand for election: a listed server, or the first one of a new network."""
    if view.identity.role is not Role.FEDERATED or not view.synced:
        return False
    if is_removed(view) or conflict_reason(view):
        return False
    if view.canonical is None:
        own = bootstrap_servers(view)
        return own is not None and view.identity.url in own.servers and not view.untrusted_reason
    return view.identity.url in view.canonical.servers


def bootstrap_servers(view: View) -> VersionedServers | None:
    """The list this node would publish where the network has none; None where it must not.

    The one obeyed until it vanished, also where the file could not follow it.
    """
    if not view.bootstrap or view.file is None:
        return None
    if view.canonical:
        return VersionedServers(view.canonical.version, view.canonical.servers)
    return view.last_known_good or VersionedServers(0, view.file.servers)


def desired_file_servers(view: View) -> ServerList | None:
    """The list that the file has to hold; None where the network has no say in it."""
    desired = desired_servers(view)
    url = view.identity.url
    if desired is None or is_removed(view) or (url is not None and url not in desired):
        return None
    return desired


def derive_loaded_version(view: View) -> int:
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


def derive_last_known_good(view: View) -> VersionedServers | None:
    """The list to call last-known-good: the canonical one once the file holds it, else the one before.

    None for a node that was removed: it must not start from one when etcd is away, at any later boot.
    """
    if is_removed(view):
        return None
    canonical, url = view.canonical, view.identity.url
    if canonical is None or view.file is None or view.file.servers != canonical.servers:
        return view.last_known_good
    if url is not None and url not in canonical.servers:
        return view.last_known_good
    return VersionedServers(canonical.version, canonical.servers)


def desired_servers(view: View) -> ServerList | None:
    """The list to obey: the canonical one; without a good one at boot, the last-known-good one."""
    if view.canonical:
        return view.canonical.servers
    if view.last_known_good and (view.untrusted_reason or (view.store_unreachable and not view.synced)):
        return view.last_known_good.servers
    return None
