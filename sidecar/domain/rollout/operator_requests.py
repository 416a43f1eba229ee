"""What operators ask of a rollout: pause and resume it, or one node in it; skip a node, or try it again."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.network.results import Answer, Case, done, refused
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Member, Request
from sidecar.domain.records.rollout import Exemption, Halt, Standstill
from sidecar.domain.servers import NodeID


def pause(case: Case, request: Request) -> Answer:
    """Grant no restart any more; with a subject, none to that node."""
    network, keys = case.network, case.network.keys
    why = f": {request.reason}" if request.reason else ""
    if not request.subject:
        halt = network.standstill
        if halt and halt.kind is Halt.PAUSED:
            return done(case, f"the rollout is paused already, by {halt.by} at {halt.at}")
        reason = f"{request.by} paused it{why}"
        standstill = Standstill(Halt.PAUSED, case.canonical.version, reason, case.at, request.by)
        return done(
            case,
            "the rollout is paused; `sidecar rollout resume` lets it go on",
            {keys.standstill: standstill},
            # Also for what is judged in the same breath: a resume right after a pause must not be refused.
            replace(network, standstill=standstill),
        )
    member = _member(case, request.subject)
    if member is None:
        return _nobody(case, request.subject)
    exemption = Exemption(case.canonical.version, case.at, request.by, request.reason)
    reason = f"{member.node_id} is kept out of rollouts until `sidecar resume {member.node_id}`"
    after = replace(network, pauses={**network.pauses, member.node_id: exemption})
    return done(case, reason, {keys.pause(member.node_id): exemption}, after)


def resume(case: Case, request: Request) -> Answer:
    """Take a pause back."""
    network, keys = case.network, case.network.keys
    if not request.subject:
        if network.standstill is None or network.standstill.kind is not Halt.PAUSED:
            return refused(case, "the rollout is not paused; see `sidecar rollout status`")
        return done(case, "the rollout goes on", {keys.standstill: None}, replace(network, standstill=None))
    member = _member(case, request.subject)
    node = member.node_id if member else NodeID(request.subject)  # a pause may outlive its node's membership
    if node not in network.pauses:
        return refused(case, f"{node} is not paused") if member else _nobody(case, request.subject)
    pauses = {name: pause for name, pause in network.pauses.items() if name != node}
    reason = f"{node} takes part in rollouts again"
    return done(case, reason, {keys.pause(node): None}, replace(network, pauses=pauses))


def skip(case: Case, request: Request) -> Answer:
    """Go on without a node: it holds nobody up, and is not counted."""
    member = _member(case, request.subject)
    if member is None:
        return _nobody(case, request.subject)
    exemption = Exemption(case.canonical.version, case.at, request.by, request.reason)
    reason = f"the rollout to version {case.canonical.version} goes on without {member.node_id}"
    return done(case, reason, {case.network.keys.skip(member.node_id): exemption})


def retry(case: Case, request: Request) -> Answer:
    """Give a node another turn: whatever it failed at, and however often it was restarted, is forgotten."""
    network, keys = case.network, case.network.keys
    member = _member(case, request.subject)
    if member is None:
        return _nobody(case, request.subject)
    node, grant = member.node_id, network.grants.get(member.node_id)
    writes: dict[str, Record | None] = {
        keys.skip(node): None,
        keys.member(node): replace(member, restarts=()),
    }
    if grant:
        report = network.reports.get(node)
        writes[keys.grant(node)] = replace(
            grant,
            version=case.canonical.version,
            since=case.now,
            healthy_since=None,
            failed="",
            forgiven=report.since if report else -1.0,
            fruitless=report.fruitless if report else 0,
        )
    return done(case, f"{node} is given another try", writes)


def _member(case: Case, subject: str) -> Member | None:
    named = case.network.member_named(subject)
    members = {member.node_id: member for member in case.network.members_of(case.canonical)}
    return members.get(named.node_id) if named else None


def _nobody(case: Case, subject: str) -> Answer:
    return refused(case, f"no member of this network is called {subject}; see `sidecar members`")
