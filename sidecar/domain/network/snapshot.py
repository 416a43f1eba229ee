"""The leader's snapshot: everything it decides from, decoded, as of one revision."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sidecar.domain.errors import BadRecord, UnknownFormat
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.encoding import R, decode
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Member, Tombstone, Verdict
from sidecar.domain.records.policy import Admission, Policy
from sidecar.domain.records.report import Report
from sidecar.domain.records.requests import Request
from sidecar.domain.records.rollout import Exemption, Grant, Quarantine, RolloutBlock
from sidecar.domain.records.store import Entry, Listing
from sidecar.domain.records.tokens import TokenRecord
from sidecar.domain.servers import NodeID, ServerList, ServerUrl, is_node_id

_LEFT_ALONE: tuple[type, ...] = (Request, TokenRecord)
"""Records that the leader skips if it cannot read them: it neither answers, accepts nor deletes them."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Which nodes belong to the network, which do not, and the tokens that let others in."""

    members: Mapping[NodeID, Member] = field(default_factory=dict)
    verdicts: Mapping[NodeID, Verdict] = field(default_factory=dict)
    tombstones: tuple[Tombstone, ...] = ()
    tokens: Mapping[str, TokenRecord] = field(default_factory=dict)
    _tombstoned: frozenset[NodeID | ServerUrl | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tombstoned = frozenset(each for t in self.tombstones for each in (t.node_id, t.url))
        object.__setattr__(self, "_tombstoned", tombstoned)

    def tombstone_of(self, node_id: NodeID | None, url: ServerUrl | None) -> Tombstone | None:
        """The tombstone that keeps out a node of that name, or one at that URL."""
        if node_id not in self._tombstoned and url not in self._tombstoned:
            return None  # the usual answer, and each decision asks once a node
        return next((t for t in self.tombstones if t.covers(node_id, url)), None)

    def tombstone_named(self, subject: str) -> Tombstone | None:
        """The tombstone that an operator means by ``subject``."""
        return self.tombstone_of(NodeID(subject), url_or_none(subject))


@dataclass(frozen=True, slots=True)
class RolloutRecords:
    """Which nodes may restart, which an operator exempted, and what is known of each list."""

    grants: Mapping[NodeID, Grant] = field(default_factory=dict)
    pauses: Mapping[NodeID, Exemption] = field(default_factory=dict)
    skips: Mapping[NodeID, Exemption] = field(default_factory=dict)
    block: RolloutBlock | None = None
    last_healthy: Canonical | None = None
    quarantines: tuple[Quarantine, ...] = ()

    def quarantine_of(self, servers: ServerList) -> Quarantine | None:
        """Why that list must not be published again; None where it may."""
        return next((each for each in self.quarantines if each.servers == servers), None)


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of a network. Records that cannot be read are left out and named in ``unreadable``.

    ``unknown_formats`` names those of them whose format this version cannot read, if the leader would decide
    without them or overwrite them.
    """

    keys: Keys
    listing: Listing
    canonical: Canonical | None = None
    policy: Policy = field(default_factory=Policy)
    reports: Mapping[NodeID, Report] = field(default_factory=dict)
    requests: Mapping[str, Request] = field(default_factory=dict)
    membership: Membership = field(default_factory=Membership)
    rollout: RolloutRecords = field(default_factory=RolloutRecords)
    unreadable: tuple[str, ...] = ()
    unknown_formats: tuple[str, ...] = ()

    def members_of(self, canonical: Canonical) -> Iterator[Member]:
        """The nodes that belong to ``canonical``: registered ones, and those that only report so far."""
        members, reports, holders = self.membership.members, self.reports, self.url_holders()
        for node in {**members, **reports}:
            member = members.get(node) or self._as_member(reports[node])
            is_listed = member.url is None or member.url in canonical.servers
            is_holder = member.url is None or holders.get(member.url, node) == node
            if is_listed and is_holder and not self.membership.tombstone_of(node, member.url):
                yield member

    def url_holders(self) -> Mapping[ServerUrl, NodeID]:
        """The live node behind each URL; another node must not take it."""
        alive = self.reports
        return {
            member.url: node
            for node, member in self.membership.members.items()
            if member.url and node in alive and alive[node].url == member.url
        }

    def _as_member(self, report: Report) -> Member:
        return Member(report.node_id, report.role, report.url, "")

    def member_named(self, subject: str) -> Member | None:
        """The member that an operator means by ``subject``: a NodeID, or a URL in any spelling."""
        url = url_or_none(subject)
        reporting = (self._as_member(report) for report in self.reports.values())
        return next(
            (
                member
                for member in (*self.membership.members.values(), *reporting)
                if subject == member.node_id or (url and url == member.url)
            ),
            None,
        )

    def node_at(self, url: ServerUrl) -> NodeID | None:
        """The node at ``url``, or the one that was there until it was removed; None if it never reported."""
        member = self.member_named(url.normal)
        return (
            member.node_id
            if member
            else next((t.node_id for t in self.membership.tombstones if t.url == url), None)
        )


def url_or_none(text: str) -> ServerUrl | None:
    """``text`` as a URL, or None where it is not one."""
    try:
        return ServerUrl.parse(text)
    except ValueError:
        return None


def _policy(policy: Policy | None, listing: Listing, keys: Keys) -> Policy:
    """The policy; an unreadable one admits no server and keeps all versions, as it may say so."""
    if policy is None and keys.policy in listing.entries:
        return Policy(Admission.CLOSED, history=sys.maxsize)
    return policy or Policy()


def read_network(keys: Keys, listing: Listing) -> Network:
    """Decode ``listing`` (of ``keys.ranges_of_leader()``)."""
    unreadable: list[str] = []
    unknown_formats: list[str] = []
    folders: dict[tuple[str, str], dict[str, Entry]] = {}
    for entry in listing.entries.values():
        match keys.parts_of(entry.key):
            case [folder, name]:
                folders.setdefault((folder, ""), {})[name] = entry
            case [folder, name, leaf]:
                folders.setdefault((folder, leaf), {})[name] = entry

    def read(cls: type[R], entry: Entry | None) -> R | None:
        if entry is None:
            return None
        try:
            return decode(cls, entry.value, entry.key)
        except BadRecord as exc:
            unreadable.append(str(exc))
            if isinstance(exc, UnknownFormat) and cls not in _LEFT_ALONE:
                unknown_formats.append(str(exc))
            return None

    def named_records(folder: str, cls: type[R], leaf: str = "") -> dict[str, R]:
        """The readable records under ``<folder>/<name>`` or ``<folder>/<name>/<leaf>``, by name."""
        records = ((name, read(cls, entry)) for name, entry in folders.get((folder, leaf), {}).items())
        return {name: record for name, record in records if record is not None}

    def node_records(folder: str, cls: type[R], leaf: str = "") -> dict[NodeID, R]:
        """The same for the records of one node each; one under the key of another node is ignored."""
        records = named_records(folder, cls, leaf)
        misplaced = [
            n for n, each in records.items() if not is_node_id(n) or getattr(each, "node_id", n) != n
        ]
        unreadable.extend(f"{folder}/{name!a}: its key does not match its NodeID" for name in misplaced)
        return {NodeID(name): record for name, record in records.items() if name not in misplaced}

    return Network(
        keys=keys,
        listing=listing,
        canonical=read(Canonical, listing.entries.get(keys.canonical)),
        policy=_policy(read(Policy, listing.entries.get(keys.policy)), listing, keys),
        reports=node_records("report", Report),
        requests=named_records("request", Request),
        membership=Membership(
            members=node_records("member", Member),
            verdicts=node_records("node", Verdict, "verdict"),
            tombstones=tuple(named_records("tombstone", Tombstone).values()),
            tokens=named_records("token", TokenRecord),
        ),
        rollout=RolloutRecords(
            grants=node_records("node", Grant, "grant"),
            pauses=node_records("node", Exemption, "pause"),
            skips=node_records("node", Exemption, "skip"),
            block=read(RolloutBlock, listing.entries.get(keys.rollout_block)),
            last_healthy=read(Canonical, listing.entries.get(keys.last_healthy)),
            quarantines=tuple(named_records("quarantine", Quarantine).values()),
        ),
        unreadable=tuple(unreadable),
        unknown_formats=tuple(unknown_formats),
    )
