"""Conducting a rollout: taking turns back and giving them, halting, and rolling back."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.membership.join_batching import gathers
from sidecar.domain.network.context import Desk
from sidecar.domain.records.membership import Request, RequestKind
from sidecar.domain.records.policy import OnFailure
from sidecar.domain.records.rollout import Grant, Halt, Quarantine, Standstill
from sidecar.domain.rollout.assessment import Survey, survey
from sidecar.domain.rollout.node_progress import Place, Progress
from sidecar.domain.servers import NodeID


def conduct_rollout(desk: Desk) -> None:
    """Write what follows from where every node stands."""
    seen = survey(desk.network, desk.canonical, desk.term.node_id, desk.now)
    _keep_turns(desk, seen)
    _keep_exemptions(desk, seen)
    if _roll_back(desk, seen):
        return
    _say_why_it_stands(desk, seen)
    if seen.vouched:
        desk.draft.put(desk.network.keys.healthy, desk.canonical)
        _absolve(desk)
    # Who restarts now would do so once more for those who are about to be let in.
    gathering = gathers(desk)
    for place, free in seen.turns():
        if desk.full:
            return
        if free or not gathering:
            _grant(desk, place, free=free)


def _absolve(desk: Desk) -> None:
    """A list that everybody is healthy on is a good one, whatever failed on it once."""
    for each in desk.network.quarantined:
        if each.servers == desk.canonical.servers and not desk.full:
            desk.draft.delete(desk.network.keys.quarantine(each.version))


def _keep_turns(desk: Desk, seen: Survey) -> None:
    """Take back the turns that are over, note how the others go."""
    places = {place.node_id: place for place in seen.places}
    for node, grant in desk.network.grants.items():
        kept = places[node].kept if node in places else None
        if desk.full:
            return
        if kept is None:
            desk.draft.delete(desk.network.keys.grant(node))
            if grant.free and node in places:
                _count(desk, node, places[node].restarts)
        elif kept != grant:
            desk.draft.put(desk.network.keys.grant(node), kept)
            if kept.failed and not grant.failed:
                desk.draft.reasons.append(f"{node} {kept.failed}")


def _keep_exemptions(desk: Desk, seen: Survey) -> None:
    """A skip is over when its node is in step, or has to follow a newer list."""
    skipped = {place.node_id for place in seen.places if place.progress is Progress.SKIPPED}
    for node in desk.network.skips:
        if node not in skipped and not desk.full:
            desk.draft.delete(desk.network.keys.skip(node))


def _roll_back(desk: Desk, seen: Survey) -> bool:
    """Go back to the last list that every node was healthy on, where the policy wants that of a failure."""
    network, canonical, good = desk.network, desk.canonical, desk.network.healthy
    if seen.paused or seen.policy.on_failure is not OnFailure.ROLLBACK:
        return False
    failed = [place for place in seen.failed if place.kept and place.kept.version == canonical.version]
    if not failed or good is None or good.servers == canonical.servers or desk.full:
        return False
    if network.quarantine_of(good.servers) or not any(url in canonical.servers for url in good.servers):
        return False  # what would leave nobody who runs is no way back
    reason, keys = "; ".join(f"{place.node_id} {place.reason}" for place in failed), network.keys
    quarantine = Quarantine(canonical.version, canonical.servers, reason, desk.at)
    # Asked as an operator would ask it: it may take several versions, and the next leader goes on with it.
    wish = Request(
        kind=RequestKind.ROLLBACK,
        subject=str(good.version),
        by=desk.term.node_id,
        at=desk.now,
        attempt="",
        reason=reason,
        servers=good.servers.urls,
    )
    desk.draft.put(keys.quarantine(canonical.version), quarantine)
    desk.draft.put(keys.request(f"rollback-{canonical.version}"), wish)
    desk.draft.reasons.append(f"version {canonical.version} is to be rolled back: {reason}")
    return True


def _say_why_it_stands(desk: Desk, seen: Survey) -> None:
    """Every node is told of a halt; a pause stays until an operator ends it."""
    key, told = desk.network.keys.standstill, desk.network.standstill
    if seen.paused:
        return
    kind, why = (Halt.HALTED, seen.halted) if seen.halted else (Halt.WAITING, seen.kept_up())
    if why is None:
        desk.draft.delete(key)
    elif told is None or (told.kind, told.reason, told.version) != (kind, why, seen.version):
        desk.draft.put(key, Standstill(kind, seen.version, why, desk.at))
        desk.draft.reasons.append(f"the rollout to version {seen.version} is {kind.value}: {why}")


def _grant(desk: Desk, place: Place, *, free: bool) -> None:
    keys, version, node = desk.network.keys, desk.canonical.version, place.node_id
    desk.draft.put(keys.grant(node), Grant(version, desk.term.created, desk.now, free=free))
    _count(desk, node, (*place.restarts, desk.now))
    desk.draft.reasons.append(f"{node} may restart into version {version}")


def _count(desk: Desk, node: NodeID, restarts: tuple[float, ...]) -> None:
    member = desk.network.members.get(node)
    if member:
        desk.draft.put(desk.network.keys.member(node), replace(member, restarts=restarts))
