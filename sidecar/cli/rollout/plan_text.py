"""What `sidecar plan` says: to people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TextIO

from sidecar.cli.inspect.list_diff import changed, list_diff, print_diff
from sidecar.cli.shared.snapshot import Sight, list_of
from sidecar.domain.identity import Role
from sidecar.domain.network.results import Answer
from sidecar.domain.printing import printable
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.membership import Request, RequestKind
from sidecar.domain.records.policy import Admission, AdmissionProbe, Policy
from sidecar.domain.rollout.assessment import Survey
from sidecar.domain.rollout.node_progress import Place, Progress
from sidecar.domain.rollout.summary import waves
from sidecar.domain.servers import NodeID, ServerUrl

_ROLES = {Role.FEDERATED: "server", Role.DATABASE: "database node"}
_ADMISSION = {
    Admission.OPEN: "",
    Admission.CLOSED: "",
    Admission.MANUAL: "admission is manual: it waits until somebody runs `sidecar approve {name}`",
    Admission.TOKEN: "admission is by token: it needs one from `sidecar token create`",
}
_PROBES = {
    AdmissionProbe.OFF: "",
    AdmissionProbe.ANSWERS: "it is let in only if its URL answers when the leader asks",
    AdmissionProbe.IDENTITY: "it is let in only if what answers at its URL says that it is {name}",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would follow from ``request``.

    ``after`` is the list after it, and ``survey`` the rollout to it; where that is None the list stays.
    ``named``: somebody said what the newcomer is called. ``under_way``: a rollout is not over yet.
    """

    sight: Sight
    request: Request
    answer: Answer
    after: Canonical
    survey: Survey | None
    named: bool
    under_way: bool

    @property
    def joins(self) -> bool:
        return self.request.kind is RequestKind.JOIN

    def node_at(self, url: ServerUrl) -> NodeID | None:
        """The node behind ``url``, the newcomer as well."""
        is_it = self.joins and self.named and url == self.request.url
        return NodeID(self.request.subject) if is_it else self.sight.network.node_at(url)

    @property
    def waves(self) -> list[tuple[Place, ...]]:
        """Who would restart, turn after turn."""
        return list(waves(self.survey)) if self.survey else []

    @property
    def left_out(self) -> list[Place]:
        """Who would run on as it is."""
        places = self.survey.places if self.survey else ()
        return [place for place in places if place.progress in (Progress.PAUSED, Progress.SKIPPED)]

    @property
    def in_the_way(self) -> list[Place]:
        """Who would have to come back first: nobody else may go down beside it, or it failed."""
        seen = self.survey
        return [
            place
            for place in (seen.places if seen else ())
            if place.progress is Progress.FAILED
            or (seen and not place.available and seen.room(place.role) < 1 and not self._new(place))
        ]

    def _new(self, place: Place) -> bool:
        return self.joins and place.node_id == self.request.subject


def print_plan(out: TextIO, plan: Plan) -> None:
    """Tell people."""
    before = list_of(plan.sight)
    out.write(f"{printable(_title(plan))}\n")
    if plan.survey is None:
        out.writelines(f"{printable(line)}\n" for line in _nothing_much(plan).splitlines())
        return
    titles = (f"version {before.version} (present)", f"version {plan.after.version} (planned)")
    out.write("\n")
    print_diff(out, list(list_diff(before.servers, plan.after.servers, titles, plan.node_at)))
    lines = chain(_restarts(plan, plan.survey), _obstacles(plan, plan.survey), _what_it_takes(plan))
    out.writelines(f"{printable(line)}\n" for line in lines)


def to_document(plan: Plan) -> dict[str, object]:
    """The plan for scripts: a contract, whose keys are always there."""
    before, policy = list_of(plan.sight), plan.sight.network.policy
    return {
        "kind": plan.request.kind.value,
        "reason": plan.answer.reason,
        "from": before.version,
        "to": plan.after.version,
        **changed(before.servers, plan.after.servers, plan.node_at),
        "FederatedServers": to_json(plan.after.servers),
        "restarts": [[place.node_id for place in wave] for wave in plan.waves],
        "left_out": [_named(place) for place in plan.left_out],
        "in_the_way": [_named(place) for place in plan.in_the_way],
        "paused": plan.survey.paused.reason if plan.survey and plan.survey.paused else None,
        "admission": policy.admission.value,
        "admission_probe": policy.admission_probe.value,
    }


def _named(place: Place) -> dict[str, object]:
    return {"node_id": place.node_id, "reason": place.reason}


def _title(plan: Plan) -> str:
    network, request = plan.sight.network.keys.network, plan.request
    if plan.joins:
        name = f" ({request.subject})" if plan.named else ""
        return f"if {request.url}{name} joined network {network}:"
    return f"if {request.subject} were removed from network {network}:"


def _nothing_much(plan: Plan) -> str:
    if plan.answer.network.removed == plan.sight.network.removed:
        return f"{plan.answer.reason}; nothing would change"
    name = plan.request.subject
    return (
        "the list stays as it is, and nobody restarts\n"
        f"{name} itself is kept out, until `sidecar readmit {name}`\n"
        f"nothing has been done; `sidecar remove {name}` does it"
    )


def _restarts(plan: Plan, seen: Survey) -> Iterator[str]:
    name = plan.request.subject if plan.named else "the newcomer"
    yield ""
    if plan.joins:
        yield f"{name} itself starts first, as soon as it is let in"
    yield from _turns(plan, seen)
    if plan.joins:
        return
    yield f"{name} itself is kept out, until `sidecar readmit {name}`"
    leader = plan.sight.leader
    if leader and leader not in {place.node_id for place in seen.places}:
        yield f"{leader} leads now: another server takes over, and its turn is the servers' last"


def _turns(plan: Plan, seen: Survey) -> Iterator[str]:
    counts = {name: len(seen.of(role)) for role, name in _ROLES.items()}
    most = {name: seen.policy.max_unavailable.of(count) for name, count in counts.items() if count}
    limits = (f"{number} {name}{'' if number == 1 else 's'}" for name, number in most.items())
    waves = plan.waves
    yield f"restarts, at most {' and '.join(limits)} at a time:" if waves else "nobody restarts"
    for turn, wave in enumerate(waves, start=1):
        yield f"{turn:>4}. " + ", ".join(_who(plan, seen, place) for place in wave)


def _who(plan: Plan, seen: Survey, place: Place) -> str:
    marks = {"leads": plan.sight.leader, "canary": seen.policy.canary}
    said = [_ROLES[place.role], *(mark for mark, node in marks.items() if node == place.node_id)]
    return f"{place.node_id} ({', '.join(said)})"


def _obstacles(plan: Plan, seen: Survey) -> Iterator[str]:
    if seen.paused:
        yield f"in the way now: {seen.paused.reason}; `sidecar rollout resume` lets it go on"
    for place in plan.in_the_way:
        yield f"in the way now: {place.node_id} {place.reason}"
    for place in plan.left_out:
        yield f"not restarted: {place.node_id} {place.reason}"
    if plan.under_way:
        now, then = list_of(plan.sight).version, plan.after.version
        yield f"version {now} is being rolled out: who has not restarted yet goes straight to version {then}"


def _what_it_takes(plan: Plan) -> Iterator[str]:
    yield ""
    if not plan.joins:
        yield f"nothing has been done; `sidecar remove {plan.request.subject}` does it"
        return
    policy: Policy = plan.sight.network.policy
    name = plan.request.subject if plan.named else "NODEID"
    for text in (_ADMISSION[policy.admission], _PROBES[policy.admission_probe]):
        if text:
            yield text.format(name=name)
    yield "nothing has been done; it asks to join when its sidecar runs, next to a file that names"
    yield "itself and a server of this network"
