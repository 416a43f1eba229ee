"""The summary of a rollout: its phase in one word, and the order of the restarts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from sidecar.domain.rollout.assessment import RolloutState
from sidecar.domain.rollout.node_progress import UNFINISHED, NodeProgress, Progress


class RolloutPhase(StrEnum):
    """The state of the rollout as a whole."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    """A node is down, and no other may become unavailable beside it; or there is no leader."""
    PAUSED = "paused"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class RolloutSummary:
    """The phase, and the reason for it."""

    phase: RolloutPhase
    reason: str


def summarize(rollout: RolloutState, *, has_leader: bool) -> RolloutSummary:
    """Sum ``rollout`` up. Without a leader (``has_leader``) no restart is granted."""
    if rollout.paused:
        return RolloutSummary(RolloutPhase.PAUSED, rollout.paused.reason)
    if rollout.halt_reason:
        return RolloutSummary(RolloutPhase.HALTED, rollout.halt_reason)
    restarting = _describe(rollout, Progress.RESTARTING, Progress.SETTLING)
    if restarting:
        return RolloutSummary(RolloutPhase.RUNNING, restarting)
    if any(node.progress in UNFINISHED for node in rollout.nodes):
        blockers = rollout.blockers() if has_leader else "no leader, so no restart can be granted"
        state = RolloutPhase.WAITING if blockers else RolloutPhase.RUNNING
        return RolloutSummary(state, blockers or "the next restart is about to be granted")
    down = _describe(rollout, Progress.DOWN)
    if down:
        return RolloutSummary(RolloutPhase.WAITING, down)
    return RolloutSummary(
        RolloutPhase.DONE, _describe(rollout, Progress.PAUSED, Progress.SKIPPED) or "every node is in step"
    )


def restart_waves(rollout: RolloutState) -> Iterator[tuple[NodeProgress, ...]]:
    """Yield the nodes that would restart together, wave after wave, if every node came back each time.

    Nodes that are unavailable now are assumed to be back by then.
    """
    rollout = replace(rollout, paused=None, nodes=tuple(map(_assume_recovered, rollout.nodes)))
    while wave := tuple(each.node for each in rollout.grantable() if not each.already_unavailable):
        yield wave
        nodes = [
            replace(p, progress=Progress.DONE, wants_grant=False) if p in wave else p for p in rollout.nodes
        ]
        rollout = replace(rollout, nodes=tuple(nodes))


def _assume_recovered(node: NodeProgress) -> NodeProgress:
    # A node that settles on an older list, or spent its budget, has yet to restart too.
    serves_on = node.progress is Progress.FAILED and node.available
    if serves_on or node.progress in (Progress.WAITING, Progress.SETTLING):
        return replace(node, progress=Progress.WAITING, available=True, wants_grant=True)
    is_left_out = node.progress in (Progress.PAUSED, Progress.SKIPPED)
    progress = node.progress if is_left_out else Progress.DONE
    return replace(node, progress=progress, available=True, wants_grant=False)


def _describe(rollout: RolloutState, *progress: Progress) -> str:
    return "; ".join(f"{each.node_id} {each.reason}" for each in rollout.nodes if each.progress in progress)
