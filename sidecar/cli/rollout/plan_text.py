"""A plan as `sidecar plan` prints it: for people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TextIO

from sidecar.cli.inspect.list_diff import added_and_removed, diff_lines, print_diff
from sidecar.cli.shared.snapshot import Snapshot, require_canonical
from sidecar.domain.identity import Role
from sidecar.domain.network.results import RequestResult
from sidecar.domain.printing import printable
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.policy import Admission, AdmissionProbe, Policy
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.rollout.assessment import RolloutState
from sidecar.domain.rollout.node_progress import NodeProgress, Progress
from sidecar.domain.rollout.summary import restart_waves
from sidecar.domain.servers import NodeID, ServerUrl

_ADMISSION = {
    Admission.OPEN: "",
    Admission.CLOSED: "",
    Admission.MANUAL: "admission is manual: it waits for `sidecar approve {name}`",
    Admission.TOKEN: "admission is by token: it needs one from `sidecar token create`",
}
_PROBES = {
    AdmissionProbe.OFF: "",
    AdmissionProbe.ANSWERS: "it is admitted only if its URL answers the leader",
    AdmissionProbe.IDENTITY: "it is admitted only if its URL answers with the NodeID {name}",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """The consequences of ``request``.

    ``after`` is the list after it, and ``rollout`` its rollout; None if the list does not change.
    ``has_name``: the newcomer's NodeID is known. ``in_progress``: a rollout is not over yet.
    """

    snapshot: Snapshot
    request: Request
    result: RequestResult
    after: Canonical
    rollout: RolloutState | None
    has_name: bool
    in_progress: bool

    @property
    def is_join(self) -> bool:
        return self.request.kind is RequestKind.JOIN

    def node_at(self, url: ServerUrl) -> NodeID | None:
        """The node at ``url``, which may be the newcomer."""
        is_it = self.is_join and self.has_name and url == self.request.url
        return NodeID(self.request.subject) if is_it else self.snapshot.network.node_at(url)

    @property
    def planned_waves(self) -> list[tuple[NodeProgress, ...]]:
        """The nodes that would restart, wave by wave."""
        return list(restart_waves(self.rollout)) if self.rollout else []

    @property
    def excluded(self) -> list[NodeProgress]:
        """The nodes that would not be restarted."""
        nodes = self.rollout.nodes if self.rollout else ()
        return [node for node in nodes if node.progress in (Progress.PAUSED, Progress.SKIPPED)]

    @property
    def blockers(self) -> list[NodeProgress]:
        """The nodes that would block the rollout: they failed, or use up the budget of unavailable nodes."""
        rollout = self.rollout
        return [
            node
            for node in (rollout.nodes if rollout else ())
            if node.progress is Progress.FAILED
            or (
                rollout
                and not node.available
                and rollout.slots_left(node.role) < 1
                and not self._is_newcomer(node)
            )
        ]

    def _is_newcomer(self, node: NodeProgress) -> bool:
        return self.is_join and node.node_id == self.request.subject


def print_plan(out: TextIO, plan: Plan) -> None:
    """Print the plan for people."""
    before = require_canonical(plan.snapshot)
    out.write(f"{printable(_title(plan))}\n")
    if plan.rollout is None:
        out.writelines(f"{printable(line)}\n" for line in _unchanged_list(plan).splitlines())
        return
    titles = (f"version {before.version} (current)", f"version {plan.after.version} (planned)")
    out.write("\n")
    print_diff(out, list(diff_lines(before.servers, plan.after.servers, titles, plan.node_at)))
    lines = chain(
        _restart_lines(plan, plan.rollout), _blocker_lines(plan, plan.rollout), _next_step_lines(plan)
    )
    out.writelines(f"{printable(line)}\n" for line in lines)


def plan_to_json(plan: Plan) -> dict[str, object]:
    """The plan for scripts: a contract, whose keys are always there."""
    before, policy = require_canonical(plan.snapshot), plan.snapshot.network.policy
    return {
        "kind": plan.request.kind.value,
        "reason": plan.result.reason,
        "from_version": before.version,
        "to_version": plan.after.version,
        **added_and_removed(before.servers, plan.after.servers, plan.node_at),
        "FederatedServers": to_json(plan.after.servers),
        "restart_waves": [[node.node_id for node in wave] for wave in plan.planned_waves],
        "excluded": [_node_to_json(node) for node in plan.excluded],
        "blockers": [_node_to_json(node) for node in plan.blockers],
        "pause_reason": plan.rollout.paused.reason if plan.rollout and plan.rollout.paused else None,
        "admission": policy.admission.value,
        "admission_probe": policy.admission_probe.value,
    }


def _node_to_json(node: NodeProgress) -> dict[str, object]:
    return {"node_id": node.node_id, "reason": node.reason}


def _title(plan: Plan) -> str:
    network, request = plan.snapshot.network.keys.network, plan.request
    if plan.is_join:
        name = f" ({request.subject})" if plan.has_name else ""
        return f"if {request.url}{name} joined network {network}:"
    return f"if {request.subject} were removed from network {network}:"


def _unchanged_list(plan: Plan) -> str:
    if plan.result.context.network.membership.tombstones == plan.snapshot.network.membership.tombstones:
        return f"{plan.result.reason}; nothing would change"
    name = plan.request.subject
    return (
        "the list does not change, and no node restarts\n"
        f"{name} itself is locked out until `sidecar readmit {name}`\n"
        f"this is only a plan; to do it, `sidecar remove {name}`"
    )


def _restart_lines(plan: Plan, rollout: RolloutState) -> Iterator[str]:
    name = plan.request.subject if plan.has_name else "the newcomer"
    yield ""
    if plan.is_join:
        yield f"{name} itself starts as soon as it is admitted"
    yield from _wave_lines(plan, rollout)
    if plan.is_join:
        return
    yield f"{name} itself is locked out until `sidecar readmit {name}`"
    leader = plan.snapshot.leader
    if leader and leader not in {node.node_id for node in rollout.nodes}:
        yield f"{leader} is the leader: another server takes over and restarts last"


def _wave_lines(plan: Plan, rollout: RolloutState) -> Iterator[str]:
    counts = {role.label: len(rollout.with_role(role)) for role in Role}
    most = {name: rollout.policy.max_unavailable.of(count) for name, count in counts.items() if count}
    limits = (f"{number} {name}{'' if number == 1 else 's'}" for name, number in most.items())
    waves = plan.planned_waves
    yield f"restarts, at most {' and '.join(limits)} at a time:" if waves else "no node restarts"
    for turn, wave in enumerate(waves, start=1):
        yield f"{turn:>4}. " + ", ".join(_describe_node(plan, rollout, node) for node in wave)


def _describe_node(plan: Plan, rollout: RolloutState, node: NodeProgress) -> str:
    marks = {"leads": plan.snapshot.leader, "canary": rollout.policy.canary}
    labels = [node.role.label, *(mark for mark, holder in marks.items() if holder == node.node_id)]
    return f"{node.node_id} ({', '.join(labels)})"


def _blocker_lines(plan: Plan, rollout: RolloutState) -> Iterator[str]:
    if rollout.paused:
        yield f"blocked by: {rollout.paused.reason}; to continue, `sidecar rollout resume`"
    for node in plan.blockers:
        yield f"blocked by: {node.node_id} {node.reason}"
    for node in plan.excluded:
        yield f"not restarted: {node.node_id} {node.reason}"
    if plan.in_progress:
        now, then = require_canonical(plan.snapshot).version, plan.after.version
        yield f"version {now} is being rolled out: nodes that have not restarted yet skip it for {then}"


def _next_step_lines(plan: Plan) -> Iterator[str]:
    yield ""
    if not plan.is_join:
        yield f"this is only a plan; to do it, `sidecar remove {plan.request.subject}`"
        return
    policy: Policy = plan.snapshot.network.policy
    name = plan.request.subject if plan.has_name else "NODEID"
    for text in (_ADMISSION[policy.admission], _PROBES[policy.admission_probe]):
        if text:
            yield text.format(name=name)
    yield "this is only a plan; to do it, run the sidecar of the new server with a file that names"
    yield "the server itself and a server of this network"
