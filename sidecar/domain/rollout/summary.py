"""What a survey comes to: the state of the rollout in one word, and who would restart in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from sidecar.domain.rollout.assessment import Survey
from sidecar.domain.rollout.node_progress import UNDER_WAY, Place, Progress


class State(StrEnum):
    """How the rollout goes, as a whole."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    """Somebody is down, and nobody else may go down beside it; or nobody leads."""
    PAUSED = "paused"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Outlook:
    """The state, and why it is so, in words."""

    state: State
    why: str


def outlook(seen: Survey, *, led: bool) -> Outlook:
    """Sum ``seen`` up; ``led``: somebody leads, and so gives turns."""
    if seen.paused:
        return Outlook(State.PAUSED, seen.paused.reason)
    if seen.halted:
        return Outlook(State.HALTED, seen.halted)
    in_turn = _those(seen, Progress.RESTARTING, Progress.SETTLING)
    if in_turn:
        return Outlook(State.RUNNING, in_turn)
    if any(place.progress in UNDER_WAY for place in seen.places):
        waits_for = seen.waits_for() if led else "nobody leads, so nobody is given a turn"
        state = State.WAITING if waits_for else State.RUNNING
        return Outlook(state, waits_for or "the next turn is about to be given")
    down = _those(seen, Progress.DOWN)
    if down:
        return Outlook(State.WAITING, down)
    return Outlook(State.DONE, _those(seen, Progress.PAUSED, Progress.SKIPPED) or "every node is in step")


def waves(seen: Survey) -> Iterator[tuple[Place, ...]]:
    """Yield who would restart together, one turn after the other, if everybody came back each time.

    Whoever is out of service now is taken to be back by then.
    """
    seen = replace(seen, paused=None, places=tuple(map(_at_its_best, seen.places)))
    while together := tuple(place for place, free in seen.turns() if not free):
        yield together
        back = [replace(p, progress=Progress.DONE, asks=False) if p in together else p for p in seen.places]
        seen = replace(seen, places=tuple(back))


def _at_its_best(place: Place) -> Place:
    # Who settles on an older list, or spent its budget, has this one before it too.
    serves_on = place.progress is Progress.FAILED and place.available
    if serves_on or place.progress in (Progress.WAITING, Progress.SETTLING):
        return replace(place, progress=Progress.WAITING, available=True, asks=True)
    is_left_out = place.progress in (Progress.PAUSED, Progress.SKIPPED)
    progress = place.progress if is_left_out else Progress.DONE
    return replace(place, progress=progress, available=True, asks=False)


def _those(seen: Survey, *progress: Progress) -> str:
    return "; ".join(f"{each.node_id} {each.reason}" for each in seen.places if each.progress in progress)
