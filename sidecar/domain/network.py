"""The leader's snapshot: everything it decides from, decoded, as of one revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sidecar.domain.canonical import Canonical
from sidecar.domain.errors import BadRecord
from sidecar.domain.keys import Keys
from sidecar.domain.membership import Grant, Member, Request, Tombstone
from sidecar.domain.policy import Admission, Policy
from sidecar.domain.records import R, decode
from sidecar.domain.report import Report
from sidecar.domain.servers import NodeID, ServerUrl
from sidecar.domain.store import Entry, Listing


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of a network. Records that cannot be read are left out and named in ``unreadable``."""

    keys: Keys
    listing: Listing
    canonical: Canonical | None = None
    policy: Policy = field(default_factory=Policy)
    reports: Mapping[NodeID, Report] = field(default_factory=dict)
    members: Mapping[NodeID, Member] = field(default_factory=dict)
    grants: Mapping[NodeID, Grant] = field(default_factory=dict)
    removed: tuple[Tombstone, ...] = ()
    requests: Mapping[str, Request] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    def tombstone_of(self, node_id: NodeID | None, url: ServerUrl | None) -> Tombstone | None:
        """The tombstone that keeps out a node of that name, or one at that URL."""
        return next((t for t in self.removed if t.covers(node_id, url)), None)

    def member_named(self, subject: str) -> Member | None:
        """The member that an operator means by ``subject``: a NodeID, or a URL in any spelling."""
        url = url_or_none(subject)
        reporting = (Member(r.node_id, r.role, r.url, "") for r in self.reports.values())
        return next(
            (
                member
                for member in (*self.members.values(), *reporting)
                if subject == member.node_id or (url and url == member.url)
            ),
            None,
        )

    def removed_named(self, subject: str) -> Tombstone | None:
        """The tombstone that an operator means by ``subject``."""
        return self.tombstone_of(NodeID(subject), url_or_none(subject))


def url_or_none(text: str) -> ServerUrl | None:
    """``text`` as a URL, or None where it is not one."""
    try:
        return ServerUrl.parse(text)
    except ValueError:
        return None


def _policy(policy: Policy | None, listing: Listing, keys: Keys) -> Policy:
    """The policy; one that cannot be read admits nobody, for that may be what it says."""
    if policy is None and keys.policy in listing.entries:
        return Policy(Admission.CLOSED)
    return policy or Policy()


def read_network(keys: Keys, listing: Listing) -> Network:
    """Decode ``listing`` (of ``keys.of_leader()``)."""
    unreadable: list[str] = []

    def read(cls: type[R], entry: Entry | None) -> R | None:
        if entry is None:
            return None
        try:
            return decode(cls, entry.value, entry.key)
        except BadRecord as exc:
            unreadable.append(str(exc))
            return None

    def folder(name: str, cls: type[R], leaf: str = "") -> dict[str, R]:
        """The readable records under ``<name>/<id>`` or ``<name>/<id>/<leaf>``, by id."""
        found = {}
        for entry in listing.entries.values():
            match keys.name_of(entry.key):
                case [first, node, *rest] if first == name and rest == ([leaf] if leaf else []):
                    record = read(cls, entry)
                    if record is not None:
                        found[node] = record
        return found

    return Network(
        keys=keys,
        listing=listing,
        canonical=read(Canonical, listing.entries.get(keys.canonical)),
        policy=_policy(read(Policy, listing.entries.get(keys.policy)), listing, keys),
        reports={NodeID(node): record for node, record in folder("report", Report).items()},
        members={NodeID(node): record for node, record in folder("member", Member).items()},
        grants={NodeID(node): record for node, record in folder("node", Grant, "grant").items()},
        removed=tuple(folder("removed", Tombstone).values()),
        requests=folder("request", Request),
        unreadable=tuple(unreadable),
    )
