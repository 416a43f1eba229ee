"""Removal, readmission, and rollback to an earlier list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sidecar.domain.identity import Role
from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.results import RequestResult, accept, node_label, reject
from sidecar.domain.network.snapshot import Network, url_or_none
from sidecar.domain.records.canonical import Change, ChangeKind
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Tombstone, Verdict, VerdictKind
from sidecar.domain.records.requests import Request
from sidecar.domain.servers import NodeID, ServerList, ServerUrl

MAX_SERVERS_PER_VERSION = 16
"""Servers that one version of a rollback removes or readmits, at most: each takes up to six operations."""


def remove(context: LeaderContext, request: Request) -> RequestResult:
    """Remove a node, and keep it out."""
    network, servers, subject = context.network, context.servers, request.subject
    member = network.member_named(subject)
    existing = network.membership.tombstone_named(subject) or (
        member and network.membership.tombstone_of(member.node_id, member.url)
    )
    if existing:
        return accept(context, f"{existing.name} was already removed, at {existing.at}")
    url = member.url if member else url_or_none(subject)
    if member and url and network.url_holders().get(url, member.node_id) != member.node_id:
        url = None  # it only claimed the URL of another node, which is alive
    if member is None and (url is None or url not in servers):
        return reject(context, f"no member of this network is called {subject}; see `sidecar members`")
    if url in servers and len(servers) == 1:
        return reject(context, f"{subject} is the last server; a network cannot be empty")
    node = member.node_id if member else None
    role = member.role if member else Role.FEDERATED
    tombstone = Tombstone(node, url, role, context.at, request.by, request.reason)
    after = replace(
        context,
        network=_with_tombstones(network, (*network.membership.tombstones, tombstone)),
        servers=servers.without([url]) if url else servers,
    )
    change = Change(ChangeKind.REMOVE, node, url, request.by, request.reason) if url else None
    writes = _tombstone_writes(network.keys, tombstone)
    return RequestResult(True, f"removed {node_label(node, url)}", after, change, writes)


def readmit(context: LeaderContext, request: Request) -> RequestResult:
    """Delete a tombstone."""
    network = context.network
    tombstone = network.membership.tombstone_named(request.subject)
    if tombstone is None:
        return reject(context, f"{request.subject} is not removed; see `sidecar removed`")
    node, url = tombstone.node_id, tombstone.url
    if node is None and url:
        # The node may have reported since, and have a verdict.
        member = network.member_named(url.normal)
        node = member.node_id if member else None
    change = Change(ChangeKind.READMIT, node, url, request.by, request.reason) if url else None
    reason = f"readmitted {node_label(node, url)}; its sidecar may ask to join again"
    writes = _readmission_writes(network.keys, tombstone, node)
    # The readmission may restore a quarantined list: the operator has decided.
    writes |= {network.keys.quarantine(each.version): None for each in network.rollout.quarantines}
    remaining = tuple(t for t in network.membership.tombstones if t != tombstone)
    after = replace(_with_tombstones(network, remaining), rollout=replace(network.rollout, quarantines=()))
    return RequestResult(True, reason, context.with_network(after), change, writes)


def roll_back(context: LeaderContext, request: Request) -> RequestResult:
    """Return to the list of an earlier version, which the request carries."""
    version = request.subject
    try:
        target = ServerList(request.servers)
    except ValueError as exc:
        return reject(context, f"version {version}: {exc}")
    if not target:
        return reject(context, f"version {version} names no server")
    if target == context.servers:
        return reject(context, f"the list is already that of version {version}")
    quarantine = context.network.rollout.quarantine_of(target)
    if quarantine:
        return reject(
            context, f"version {quarantine.version}, the same list, is quarantined: {quarantine.reason}"
        )
    return _publish_rollback(context, target, request)


def _publish_rollback(context: LeaderContext, target: ServerList, request: Request) -> RequestResult:
    """Publish ``target``: servers that are not in it are removed, removed ones that are in it readmitted.

    What does not fit into one transaction follows in later versions: the request stays open.
    """
    network, keys, version = context.network, context.network.keys, request.subject
    why = f"rolled back to version {version}" + (f": {request.reason}" if request.reason else "")
    readmitted = tuple(t for t in network.membership.tombstones if t.url in target)[:MAX_SERVERS_PER_VERSION]
    leaving = context.servers.without(target).urls[: MAX_SERVERS_PER_VERSION - len(readmitted)]
    tombstones = tuple(_tombstones(network, leaving, context.at, request.by, why))
    writes: dict[str, Record | None] = {}
    for tombstone in tombstones:
        writes |= _tombstone_writes(keys, tombstone)
    for tombstone in readmitted:
        writes |= _readmission_writes(keys, tombstone, tombstone.node_id)
    removed = tuple(t for t in network.membership.tombstones if t not in readmitted) + tombstones
    back = [t.url for t in readmitted if t.url]
    servers = context.servers.without(leaving).appended(back)
    is_complete = not servers.without(target) and not any(t.url in target for t in removed)
    after = replace(
        context,
        network=_with_tombstones(network, removed),
        servers=target if is_complete else servers,
    )
    reason = why if is_complete else f"{why}; in several versions"
    change = Change(ChangeKind.ROLLBACK, by=request.by, reason=why)
    return RequestResult(True, reason, after, change, writes, final=is_complete)


def removal_reason(tombstone: Tombstone) -> str:
    """The reason in the verdict of a removed node."""
    why = f" ({tombstone.reason})" if tombstone.reason else ""
    return (
        f"removed at {tombstone.at} by {tombstone.by}{why}; "
        f"`sidecar readmit {tombstone.name}` lets it in again"
    )


def _with_tombstones(network: Network, tombstones: tuple[Tombstone, ...]) -> Network:
    return replace(network, membership=replace(network.membership, tombstones=tombstones))


def _tombstones(
    network: Network, urls: Iterable[ServerUrl], at: str, by: str, why: str
) -> Iterable[Tombstone]:
    for url in urls:
        member = network.member_named(url.normal)
        yield Tombstone(member.node_id if member else None, url, Role.FEDERATED, at, by, why)


def _tombstone_writes(keys: Keys, tombstone: Tombstone) -> dict[str, Record | None]:
    writes: dict[str, Record | None] = {keys.tombstone(tombstone.name): tombstone}
    if tombstone.node_id:
        verdict = Verdict(VerdictKind.REMOVED, removal_reason(tombstone), tombstone.at)
        writes[keys.verdict(tombstone.node_id)] = verdict
        left = (keys.grant, keys.pause, keys.skip, keys.member)
        writes |= {key(tombstone.node_id): None for key in left}
    return writes


def _readmission_writes(keys: Keys, tombstone: Tombstone, node: NodeID | None) -> dict[str, Record | None]:
    writes: dict[str, Record | None] = {keys.tombstone(tombstone.name): None}
    if node:
        writes[keys.verdict(node)] = None
    return writes
