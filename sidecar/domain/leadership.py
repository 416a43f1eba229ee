"""The leader's decision: ``(what is known of the network, now) -> writes``.

`decide` looks at the whole state and returns the next thing to write, or nothing. It is called again after
every write and every event, so each rule below only has to move the network one step further.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sidecar.domain import rollout
from sidecar.domain.admission import Answer, judge
from sidecar.domain.canonical import Canonical, Change, ChangeKind, distrust
from sidecar.domain.draft import Draft, Term
from sidecar.domain.membership import (
    Grant,
    Member,
    Outcome,
    OutcomeKind,
    Request,
    RequestKind,
    Tombstone,
)
from sidecar.domain.network import Network
from sidecar.domain.servers import ServerUrl
from sidecar.domain.store import Transaction
from sidecar.domain.view import Known

# etcd refuses a transaction of more than 128 operations (--max-txn-ops), and a join takes up to four.
MOST_OPERATIONS = 96
OUTCOME_KEPT = 300.0
"""Seconds that the answer to an operator's request is kept for the operator to read."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction, and in words what it does."""

    transaction: Transaction
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leader:
    """Who decides. ``own`` is what to publish where there is nothing; ``trusted`` what was last obeyed."""

    term: Term
    own: Known | None
    trusted: Known | None

    def distrusts(self, canonical: Canonical) -> str | None:
        return distrust(canonical, self.trusted.servers if self.trusted else None)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the rules work with: the network as it is, who writes, when, and what is being written."""

    network: Network
    canonical: Canonical
    term: Term
    now: float
    draft: Draft

    @property
    def at(self) -> str:
        return timestamp(self.now)

    @property
    def full(self) -> bool:
        """Whether the rest has to wait for its turn right after."""
        return len(self.draft) > MOST_OPERATIONS


def decide(network: Network, leader: Leader, now: float) -> Step | None:
    """Return the next write, or None when the network is as it should be. ``now``: seconds, Unix epoch."""
    if network.keys.canonical not in network.listing.entries:
        return _bootstrap(network, leader, now)
    if network.canonical is None or leader.distrusts(network.canonical):
        return None  # not to be built upon; `held_up` says so
    for rule in (_answer_requests, _learn_members, _grant_turns, _tidy_up):
        draft = Draft(network.keys, network.listing)
        rule(_Desk(network, network.canonical, leader.term, now, draft))
        if draft:
            return Step(draft.transaction(leader.term), tuple(draft.reasons))
    return None


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
    removed = _urls(network.removed)
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
    _publish(draft, network, canonical)
    return Step(draft.transaction(leader.term), tuple(draft.reasons))


def _urls(removed: tuple[Tombstone, ...]) -> tuple[ServerUrl, ...]:
    """The URLs kept out, each once: a server may have been removed under two names."""
    return tuple(dict.fromkeys(t.url for t in removed if t.url))


def _publish(draft: Draft, network: Network, canonical: Canonical) -> None:
    keys = network.keys
    draft.put(keys.canonical, canonical)
    oldest = max(1, canonical.version - network.policy.history + 1)
    draft.archive(keys.history(canonical.version), canonical)
    draft.prune(keys.history(0), keys.history(oldest))
    causes = ", ".join(str(change) for change in canonical.cause)
    draft.reasons.append(f"version {canonical.version} ({causes}): {canonical.servers}")


def _answer_requests(desk: _Desk) -> None:
    """Judge the open requests, oldest first, and publish what follows from all of them as one version."""
    network, canonical = desk.network, desk.canonical
    servers, changes, removed = canonical.servers, list[Change](), network.removed
    for name, request in _open_requests(network):
        if desk.full:
            break
        answer = judge(replace(network, removed=removed), servers, request, desk.at)
        servers = answer.servers
        changes += [answer.change] if answer.change else []
        removed = tuple(t for t in removed if t != answer.exhumes)
        removed += (answer.entombs,) if answer.entombs else ()
        version = canonical.version + (1 if changes else 0)
        _settle(desk, name, request, answer, version)
    if changes:
        following = replace(
            canonical,
            servers=servers,
            version=canonical.version + 1,
            cause=tuple(changes),
            author=desk.term.node_id,
            term=desk.term.created,
            at=desk.at,
            removed=_urls(removed),
        )
        _publish(desk.draft, network, following)


def _open_requests(network: Network) -> list[tuple[str, Request]]:
    """The requests without an answer, in the order in which they were made."""
    entries = network.listing.entries
    return sorted(
        ((name, request) for name, request in network.requests.items() if not request.outcome),
        key=lambda item: entries[network.keys.request(item[0])].created,
    )


def _settle(desk: _Desk, name: str, request: Request, answer: Answer, version: int) -> None:
    """Write down what follows from one answer, but for the list itself."""
    keys, draft = desk.network.keys, desk.draft
    if request.kind is RequestKind.JOIN:
        draft.delete(keys.request(name))
    else:
        kind = OutcomeKind.DONE if answer.accepted else OutcomeKind.REFUSED
        outcome = Outcome(kind, answer.reason, version, desk.now)
        draft.put(keys.request(name), replace(request, outcome=outcome))
    if answer.node_id and answer.verdict:
        draft.put(keys.verdict(answer.node_id), answer.verdict)
    elif answer.node_id:
        draft.delete(keys.verdict(answer.node_id))
    if answer.entombs:
        draft.put(keys.removed(answer.entombs.name), answer.entombs)
        if answer.node_id:
            draft.delete(keys.grant(answer.node_id))
            draft.delete(keys.member(answer.node_id))
    if answer.exhumes:
        draft.delete(keys.removed(answer.exhumes.name))
    draft.reasons.append(f"{request.kind.value} {request.subject}: {answer.reason}")


def _learn_members(desk: _Desk) -> None:
    """Remember which NodeID stands behind which URL, so that a node can be named while it is away."""
    network = desk.network
    for node, report in network.reports.items():
        outside = report.url is not None and report.url not in desk.canonical.servers
        if outside or network.tombstone_of(node, report.url):
            continue
        known = network.members.get(node)
        if known is None or (known.url, known.role) != (report.url, report.role):
            desk.draft.put(network.keys.member(node), Member(node, report.role, report.url, desk.at))
        if desk.full:
            return
    # A server that was given another NodeID is one server still: under its old name, `sidecar remove` would
    # take out the new one.
    claimed = {report.url for report in network.reports.values() if report.url}
    for node, member in network.members.items():
        if node not in network.reports and member.url in claimed and not desk.full:
            desk.draft.delete(network.keys.member(node))


def _grant_turns(desk: _Desk) -> None:
    """Take back the turns that are over, and give the next ones."""
    network, version = desk.network, desk.canonical.version
    for node, grant in network.grants.items():
        if rollout.finished(grant, network.reports.get(node), desk.canonical):
            desk.draft.delete(network.keys.grant(node))
        if desk.full:
            return
    for node in rollout.turns(network, desk.canonical, desk.term.node_id):
        desk.draft.put(network.keys.grant(node), Grant(version, desk.term.created, desk.at))
        desk.draft.reasons.append(f"{node} may restart into version {version}")


def _tidy_up(desk: _Desk) -> None:
    """Drop answers that nobody came for, and members that are not in the list any more."""
    network = desk.network
    for name, request in network.requests.items():
        # From the future as well: a clock that was ahead has been set back.
        if request.outcome and not abs(desk.now - request.outcome.at) <= OUTCOME_KEPT:
            desk.draft.delete(network.keys.request(name))
        if desk.full:
            return
    for node, member in network.members.items():
        if member.url and member.url not in desk.canonical.servers:
            desk.draft.delete(network.keys.member(node))
        if desk.full:
            return


def timestamp(now: float) -> str:
    """``now`` (Unix epoch) as RFC 3339, UTC, to the second."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
