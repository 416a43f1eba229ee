"""Judging one request: who may join, who may be removed, who may come back."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.domain.canonical import Change, ChangeKind
from sidecar.domain.identity import Role
from sidecar.domain.membership import Request, RequestKind, Tombstone, Verdict, VerdictKind
from sidecar.domain.network import Network, url_or_none
from sidecar.domain.policy import Admission
from sidecar.domain.servers import NodeID, ServerList, ServerUrl, parse_node_id


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from one request.

    ``servers`` is the list after it; ``change`` what to name as the cause, None where the list document stays
    as it is. ``verdict`` is for ``node_id`` to read; None takes an earlier one back. ``entombs`` and
    ``exhumes`` are the tombstone to write and the one to clear away.
    """

    accepted: bool
    reason: str
    servers: ServerList
    node_id: NodeID | None = None
    change: Change | None = None
    verdict: Verdict | None = None
    entombs: Tombstone | None = None
    exhumes: Tombstone | None = None


def judge(network: Network, servers: ServerList, request: Request, at: str) -> Answer:
    """Answer ``request``, on a network whose list is ``servers``. ``at`` is the time, RFC 3339."""
    match request.kind:
        case RequestKind.JOIN:
            return _join(network, servers, request, at)
        case RequestKind.REMOVE:
            return _remove(network, servers, request, at)
        case RequestKind.READMIT:
            return _readmit(network, servers, request)


def _join(network: Network, servers: ServerList, request: Request, at: str) -> Answer:
    try:
        node, url = parse_node_id(request.subject), request.url
    except ValueError as exc:  # nobody could be told, and no list could hold it
        return Answer(False, str(exc), servers)
    tombstone = network.tombstone_of(node, url)
    if tombstone:
        reason = removal_reason(tombstone)
        verdict = Verdict(VerdictKind.REMOVED, reason, at, request.attempt)
        return Answer(False, reason, servers, node, verdict=verdict)
    objection = _objection(network, servers, node, request)
    if objection or url is None:
        reason = objection or "it names no URL of its own"
        verdict = Verdict(VerdictKind.REFUSED, reason, at, request.attempt)
        return Answer(False, reason, servers, node, verdict=verdict)
    if url in servers:
        return Answer(True, f"{url} is in the list already", servers, node)
    change = Change(ChangeKind.JOIN, node, url)
    return Answer(True, f"{url} is in", servers.appended([url]), node, change)


def _objection(network: Network, servers: ServerList, node: NodeID, request: Request) -> str | None:
    """Say why ``node`` may not join, None where it may."""
    url, named = request.url, set(request.servers)
    # Members are remembered while they are away; a report may be the asker's own.
    holder = network.members.get(node) or network.reports.get(node)
    if url in servers:
        return None
    if network.policy.admission is Admission.CLOSED:
        return "the network admits nobody now: its policy is closed, or cannot be read"
    if url not in named:
        return f"its file does not name its own URL, {url}"
    if not named.intersection(servers):
        return (
            f"a stranger: its file names no server of this network; add one of {servers} "
            "to its FederatedServers"
        )
    if holder and holder.url and holder.url != url and holder.url in servers:
        return f"the NodeID {node} is taken by the server at {holder.url}; give it another NodeID"
    return None


def _remove(network: Network, servers: ServerList, request: Request, at: str) -> Answer:
    subject = request.subject
    member = network.member_named(subject)
    gone = network.removed_named(subject) or (member and network.tombstone_of(member.node_id, member.url))
    if gone:
        return Answer(True, f"{gone.name} was removed already, at {gone.at}", servers)
    url = member.url if member else url_or_none(subject)
    if member is None and (url is None or url not in servers):
        reason = f"no member of this network is called {subject}; see `sidecar members`"
        return Answer(False, reason, servers)
    if url in servers and len(servers) == 1:
        reason = f"{subject} is the last server; a network cannot be empty"
        return Answer(False, reason, servers)
    node = member.node_id if member else None
    role = member.role if member else Role.FEDERATED
    tombstone = Tombstone(node, url, role, at, request.by, request.reason)
    verdict = Verdict(VerdictKind.REMOVED, removal_reason(tombstone), at)
    change = Change(ChangeKind.REMOVE, node, url, request.by, request.reason) if url else None
    left = servers.without([url]) if url else servers
    reason = f"removed {_both(node, url)}"
    return Answer(True, reason, left, node, change, verdict, entombs=tombstone)


def _readmit(network: Network, servers: ServerList, request: Request) -> Answer:
    tombstone = network.removed_named(request.subject)
    if tombstone is None:
        reason = f"{request.subject} is not removed; see `sidecar removed`"
        return Answer(False, reason, servers)
    node, url = tombstone.node_id, tombstone.url
    if node is None and url:
        # It may have shown up since, and been told.
        member = network.member_named(url.normal)
        node = member.node_id if member else None
    change = Change(ChangeKind.READMIT, node, url, request.by, request.reason) if url else None
    reason = f"readmitted {_both(node, url)}; its sidecar may ask to join again"
    return Answer(True, reason, servers, node, change, exhumes=tombstone)


def removal_reason(tombstone: Tombstone) -> str:
    """What a removed node is told."""
    why = f" ({tombstone.reason})" if tombstone.reason else ""
    return (
        f"removed at {tombstone.at} by {tombstone.by}{why}; "
        f"`sidecar readmit {tombstone.name}` lets it in again"
    )


def _both(node: NodeID | None, url: ServerUrl | None) -> str:
    return f"{node} ({url})" if node and url else str(node or url)
