"""What follows from a view: derived once, for every rule that asks."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.domain.identity import Role
from sidecar.domain.node.process import Running
from sidecar.domain.node.view import View
from sidecar.domain.records.canonical import VersionedServers
from sidecar.domain.records.membership import VerdictKind
from sidecar.domain.servers import ServerList


@dataclass(frozen=True, slots=True)
class Facts:
    """What follows from one view, without any decision.

    ``removed``: a tombstone excludes this node. ``identity_taken_reason``: why it must not start, as a live
    node owns its NodeID or URL; ``""`` if none does. ``desired``: the list to follow, None if there is none.
    ``listed``: ``desired`` names this server, or this is a database node. ``file_matches``: the file holds
    ``desired``. ``may_start``: the boot check passes, so the process may start on its file.
    ``startup_deadline``: when the running process must have become healthy, None if no deadline applies.
    ``bootstrap_list``: the list to publish in a network that has none, None if this node must not.
    ``may_campaign``: it may be elected.
    """

    removed: bool
    identity_taken_reason: str
    desired: ServerList | None
    listed: bool
    file_matches: bool
    may_start: bool
    startup_deadline: float | None
    bootstrap_list: VersionedServers | None
    may_campaign: bool

    @classmethod
    def of(cls, view: View) -> Facts:
        """Derive the facts of ``view``."""
        removed, taken = is_removed(view), _identity_taken_reason(view)
        desired, bootstrap = _desired_servers(view), _bootstrap_servers(view)
        url, document = view.identity.url, view.file.document
        listed = desired is not None and (url is None or url in desired)
        file_matches = desired is not None and document is not None and document.servers == desired
        locked_out = removed or bool(taken)
        return cls(
            removed=removed,
            identity_taken_reason=taken,
            desired=desired,
            listed=listed,
            file_matches=file_matches,
            may_start=file_matches and listed and not view.file.problem and not locked_out,
            startup_deadline=_startup_deadline(view),
            bootstrap_list=bootstrap,
            may_campaign=not locked_out and _is_eligible(view, bootstrap),
        )

    @property
    def file_target(self) -> ServerList | None:
        """The list that the file must hold; None if the network does not determine it."""
        return self.desired if self.listed and not self.removed else None


def is_removed(view: View) -> bool:
    """Whether a tombstone excludes this node, by the canonical document or by the leader's verdict."""
    network = view.network
    if network.verdict and network.verdict.kind is VerdictKind.REMOVED:
        return True
    return bool(network.canonical and view.identity.url in network.canonical.removed)


def _identity_taken_reason(view: View) -> str:
    verdict = view.network.verdict
    if verdict and verdict.kind is VerdictKind.CONFLICT:
        return verdict.reason
    return view.network.node_id_taken_reason


def _desired_servers(view: View) -> ServerList | None:
    """The canonical list; without a trusted one at start-up, the last-known-good list."""
    network, last_known_good = view.network, view.last_known_good
    if network.canonical:
        return network.canonical.servers
    if last_known_good and (network.untrusted_reason or (network.store_unreachable and not network.synced)):
        return last_known_good.servers
    return None


def _bootstrap_servers(view: View) -> VersionedServers | None:
    """The list that was followed until it disappeared from etcd, even if the file could not follow it."""
    if not view.options.may_bootstrap or view.file.document is None:
        return None
    if canonical := view.network.canonical:
        return VersionedServers(canonical.version, canonical.servers)
    return view.last_known_good or VersionedServers(0, view.file.document.servers)


def _is_eligible(view: View, bootstrap: VersionedServers | None) -> bool:
    """Whether this is a listed server, or the first one of a new network."""
    network, url = view.network, view.identity.url
    if view.identity.role is not Role.FEDERATED or not network.synced:
        return False
    if network.canonical is None:
        return bootstrap is not None and url in bootstrap.servers and not network.untrusted_reason
    return url in network.canonical.servers


def _startup_deadline(view: View) -> float | None:
    process, health = view.process.state, view.health
    if not isinstance(process, Running) or health.healthy or health.last_healthy_start == process.started_at:
        return None
    first = process.started_at if health.unhealthy_since is None else health.unhealthy_since
    # Starting the sidecar restarts nothing: a process that ran before gets its full time from then on.
    return max(first, view.sidecar_started_at) + view.options.startup_timeout.after(health.failed_starts)
