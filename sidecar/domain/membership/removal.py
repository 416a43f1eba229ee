"""Taking nodes out, letting them back in, and going back to an earlier list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sidecar.domain.identity import Role
from sidecar.domain.network.results import Answer, Case, both, done, refused
from sidecar.domain.network.snapshot import Network, url_or_none
from sidecar.domain.records.canonical import Change, ChangeKind
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Request, Tombstone, Verdict, VerdictKind
from sidecar.domain.servers import NodeID, ServerList, ServerUrl

AT_ONCE = 16
"""Servers that one version of a rollback removes and lets in again, at most: each is up to six operations."""


def remove(case: Case, request: Request) -> Answer:
    """Take a node out, and keep it out."""
    network, servers, subject = case.network, case.servers, request.subject
    member = network.member_named(subject)
    gone = network.removed_named(subject) or (member and network.tombstone_of(member.node_id, member.url))
    if gone:
        return done(case, f"{gone.name} was removed already, at {gone.at}")
    url = member.url if member else url_or_none(subject)
    if member and url and network.holders().get(url, member.node_id) != member.node_id:
        url = None  # it only claimed what another has, who is alive
    if member is None and (url is None or url not in servers):
        return refused(case, f"no member of this network is called {subject}; see `sidecar members`")
    if url in servers and len(servers) == 1:
        return refused(case, f"{subject} is the last server; a network cannot be empty")
    node = member.node_id if member else None
    role = member.role if member else Role.FEDERATED
    tombstone = Tombstone(node, url, role, case.at, request.by, request.reason)
    return Answer(
        True,
        f"removed {both(node, url)}",
        replace(network, removed=(*network.removed, tombstone)),
        servers.without([url]) if url else servers,
        Change(ChangeKind.REMOVE, node, url, request.by, request.reason) if url else None,
        _entombed(network.keys, tombstone),
    )


def readmit(case: Case, request: Request) -> Answer:
    """Take a tombstone away."""
    network = case.network
    tombstone = network.removed_named(request.subject)
    if tombstone is None:
        return refused(case, f"{request.subject} is not removed; see `sidecar removed`")
    node, url = tombstone.node_id, tombstone.url
    if node is None and url:
        # It may have shown up since, and been told.
        member = network.member_named(url.normal)
        node = member.node_id if member else None
    change = Change(ChangeKind.READMIT, node, url, request.by, request.reason) if url else None
    reason = f"readmitted {both(node, url)}; its sidecar may ask to join again"
    writes = _exhumed(network.keys, tombstone, node)
    # What an operator readmits may make the list again that was quarantined: it is the operator's word.
    writes |= {network.keys.quarantine(each.version): None for each in network.quarantined}
    after = replace(network, removed=tuple(t for t in network.removed if t != tombstone), quarantined=())
    return Answer(True, reason, after, case.servers, change, writes)


def roll_back(case: Case, request: Request) -> Answer:
    """Go back to the list of an earlier version, which the request carries."""
    version = request.subject
    try:
        target = ServerList(request.servers)
    except ValueError as exc:
        return refused(case, f"version {version}: {exc}")
    if not target:
        return refused(case, f"version {version} names no server")
    if target == case.servers:
        return refused(case, f"the list is that of version {version} already")
    quarantine = case.network.quarantine_of(target)
    if quarantine:
        return refused(
            case, f"version {quarantine.version}, the same list, is quarantined: {quarantine.reason}"
        )
    return _rolled_back(case, target, request)


def _rolled_back(case: Case, target: ServerList, request: Request) -> Answer:
    """Publish ``target``: who is not in it is removed, who was removed is back.

    What one transaction cannot hold is left to the versions after this one: the request stays open.
    """
    network, keys, version = case.network, case.network.keys, request.subject
    why = f"rolled back to version {version}" + (f": {request.reason}" if request.reason else "")
    exhumed = tuple(t for t in network.removed if t.url in target)[:AT_ONCE]
    leaving = case.servers.without(target).urls[: AT_ONCE - len(exhumed)]
    entombed = tuple(_tombstones(network, leaving, case.at, request.by, why))
    writes: dict[str, Record | None] = {}
    for tombstone in entombed:
        writes |= _entombed(keys, tombstone)
    for tombstone in exhumed:
        writes |= _exhumed(keys, tombstone, tombstone.node_id)
    removed = tuple(t for t in network.removed if t not in exhumed) + entombed
    back = [t.url for t in exhumed if t.url]
    servers = case.servers.without(leaving).appended(back)
    is_all = not servers.without(target) and not any(t.url in target for t in removed)
    return Answer(
        True,
        why if is_all else f"{why}; in several versions",
        replace(network, removed=removed),
        target if is_all else servers,
        Change(ChangeKind.ROLLBACK, by=request.by, reason=why),
        writes,
        settled=is_all,
    )


def removal_reason(tombstone: Tombstone) -> str:
    """What a removed node is told."""
    why = f" ({tombstone.reason})" if tombstone.reason else ""
    return (
        f"removed at {tombstone.at} by {tombstone.by}{why}; "
        f"`sidecar readmit {tombstone.name}` lets it in again"
    )


def _tombstones(
    network: Network, urls: Iterable[ServerUrl], at: str, by: str, why: str
) -> Iterable[Tombstone]:
    for url in urls:
        member = network.member_named(url.normal)
        yield Tombstone(member.node_id if member else None, url, Role.FEDERATED, at, by, why)


def _entombed(keys: Keys, tombstone: Tombstone) -> dict[str, Record | None]:
    writes: dict[str, Record | None] = {keys.removed(tombstone.name): tombstone}
    if tombstone.node_id:
        verdict = Verdict(VerdictKind.REMOVED, removal_reason(tombstone), tombstone.at)
        writes[keys.verdict(tombstone.node_id)] = verdict
        left = (keys.grant, keys.pause, keys.skip, keys.member)
        writes |= {key(tombstone.node_id): None for key in left}
    return writes


def _exhumed(keys: Keys, tombstone: Tombstone, node: NodeID | None) -> dict[str, Record | None]:
    writes: dict[str, Record | None] = {keys.removed(tombstone.name): None}
    if node:
        writes[keys.verdict(node)] = None
    return writes
