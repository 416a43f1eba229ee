"""The leader's decision: ``(what is known of the network, now) -> writes``.

`decide` looks at the whole state and returns the next thing to write, or nothing. It is called again after
every write and every event, so each rule below only has to move the network one step further.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sidecar.domain.leader.requests import answer_requests
from sidecar.domain.membership.join_batching import still_gathering
from sidecar.domain.network.context import Desk, publish, timestamp, urls_of
from sidecar.domain.network.results import Probed
from sidecar.domain.network.snapshot import Network
from sidecar.domain.network.transaction import Draft, Term
from sidecar.domain.node.view import Known
from sidecar.domain.records.canonical import Canonical, Change, ChangeKind, distrust
from sidecar.domain.records.membership import Member, Verdict, VerdictKind
from sidecar.domain.records.store import Transaction
from sidecar.domain.rollout.advance import conduct_rollout
from sidecar.domain.rollout.assessment import survey
from sidecar.domain.servers import NodeID, ServerUrl

OUTCOME_KEPT = 300.0
"""Seconds that the answer to an operator's request is kept for the operator to read."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction, and in words what it does."""

    transaction: Transaction
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leader:
    """Who decides. ``own`` is what to publish where there is nothing; ``trusted`` what was last obeyed.

    ``probed`` is what was found at the URLs of newcomers, and ``arrived`` when the latest was seen: `Desk`.
    """

    term: Term
    own: Known | None
    trusted: Known | None
    probed: Probed = field(default_factory=dict)
    arrived: float = 0.0

    def distrusts(self, canonical: Canonical) -> str | None:
        return distrust(canonical, self.trusted.servers if self.trusted else None)


def decide(network: Network, leader: Leader, now: float) -> Step | None:
    """Return the next write, or None when the network is as it should be. ``now``: seconds, Unix epoch."""
    if network.keys.canonical not in network.listing.entries:
        return _bootstrap(network, leader, now)
    if network.canonical is None or leader.distrusts(network.canonical):
        return None  # not to be built upon; `held_up` says so
    for rule in (answer_requests, _learn_members, conduct_rollout, _tidy_up):
        draft = Draft(network.keys, network.listing)
        rule(Desk(network, network.canonical, leader.term, now, draft, leader.probed, leader.arrived))
        if draft:
            return Step(draft.transaction(leader.term), tuple(draft.reasons))
    return None


def look_again(network: Network, leader: Leader, now: float) -> float | None:
    """When time alone may give `decide` something to write, in seconds since the epoch."""
    if network.canonical is None:
        return None
    times = (
        still_gathering(network, network.canonical, leader.arrived, now),
        survey(network, network.canonical, leader.term.node_id, now).look_again,
    )
    return min((at for at in times if at is not None), default=None)


def held_up(network: Network, leader: Leader) -> str | None:
    """Say why the leader does nothing at all, where that is so; for the log and the status."""
    if network.keys.canonical not in network.listing.entries:
        return None if leader.own else "there is no canonical list, and none of its own to publish"
    if network.canonical is None:
        return "the canonical list cannot be read: " + "; ".join(network.unreadable)
    why = leader.distrusts(network.canonical)
    return f"canonical version {network.canonical.version} is not obeyed: {why}" if why else None


def _bootstrap(network: Network, leader: Leader, now: float) -> Step | None:
    if not leader.own:
        return None
    draft = Draft(network.keys, network.listing)
    removed = urls_of(network.removed)
    servers = leader.own.servers.without(removed)
    if not servers:
        return None
    canonical = Canonical(
        servers=servers,
        version=leader.own.version + 1,
        cause=(Change(ChangeKind.BOOTSTRAP, leader.term.node_id),),
        author=leader.term.node_id,
        term=leader.term.created,
        at=timestamp(now),
        removed=removed,
    )
    publish(draft, network, canonical)
    return Step(draft.transaction(leader.term), tuple(draft.reasons))


def _learn_members(desk: Desk) -> None:
    """Remember which NodeID stands behind which URL, so that a node can be named while it is away."""
    network, keys, entries = desk.network, desk.network.keys, desk.network.listing.entries
    holders = dict(network.holders())
    taken = set[NodeID]()
    for node, report in sorted(
        network.reports.items(), key=lambda each: entries[keys.report(each[0])].created
    ):
        outside = report.url is not None and report.url not in desk.canonical.servers
        if outside or network.tombstone_of(node, report.url):
            continue
        if desk.full:
            return
        if report.url and holders.setdefault(report.url, node) != node:
            taken.add(node)
            _turn_away(desk, node, report.url, holders[report.url])
            continue
        known = network.members.get(node)
        if known is None or (known.url, known.role) != (report.url, report.role):
            desk.draft.put(keys.member(node), Member(node, report.role, report.url, desk.at))
    for node, verdict in network.verdicts.items():
        if not _holds(network, node, verdict, taken) and not desk.full:
            desk.draft.delete(keys.verdict(node))
    # A server that was given another NodeID is one server still: under its old name, `sidecar remove` would
    # take out the new one.
    for node, member in network.members.items():
        if node not in network.reports and member.url in holders and not desk.full:
            desk.draft.delete(keys.member(node))


def _holds(network: Network, node: NodeID, verdict: Verdict, taken: set[NodeID]) -> bool:
    """Whether what ``node`` was told is still so; a node that is told that it is removed asks no more."""
    known, canonical = network.reports.get(node) or network.members.get(node), network.canonical
    url = known.url if known else None
    match verdict.kind:
        case VerdictKind.TAKEN:
            return node in taken
        case VerdictKind.REMOVED:
            return network.tombstone_of(node, url) is not None
        case _:  # of who asked to be let in
            return url is None or canonical is None or url not in canonical.servers


def _turn_away(desk: Desk, node: NodeID, url: ServerUrl, holder: NodeID) -> None:
    """Tell ``node`` that the URL in its file is another's, who is alive."""
    told = desk.network.verdicts.get(node)
    reason = f"{url} is the URL of {holder}, which is alive; give this server its own, or stop {holder} first"
    desk.draft.delete(desk.network.keys.member(node))
    if told is None or (told.kind, told.reason, told.holder) != (VerdictKind.TAKEN, reason, holder):
        verdict = Verdict(VerdictKind.TAKEN, reason, desk.at, holder=holder)
        desk.draft.put(desk.network.keys.verdict(node), verdict)
        desk.draft.reasons.append(f"{node} is turned away: {reason}")


def _tidy_up(desk: Desk) -> None:
    """Drop answers that nobody came for, spent tokens, and members that are not in the list any more."""
    network = desk.network
    for name, request in network.requests.items():
        # From the future as well: a clock that was ahead has been set back.
        if request.outcome and not abs(desk.now - request.outcome.at) <= OUTCOME_KEPT:
            desk.draft.delete(network.keys.request(name))
        if desk.full:
            return
    for name, token in network.tokens.items():
        if token.spent(desk.now) and not desk.full:
            desk.draft.delete(network.keys.token(name))
    for node, member in network.members.items():
        if member.url and member.url not in desk.canonical.servers:
            desk.draft.delete(network.keys.member(node))
        if desk.full:
            return
