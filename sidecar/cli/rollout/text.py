"""What `sidecar rollout status` says: in lines, in rows of a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidecar.cli.shared.output import ago
from sidecar.cli.shared.snapshot import Sight
from sidecar.domain.identity import Role
from sidecar.domain.records.report import Phase
from sidecar.domain.rollout.assessment import Survey, survey
from sidecar.domain.rollout.node_progress import Place, Progress
from sidecar.domain.rollout.summary import Outlook, State, outlook
from sidecar.domain.servers import NodeID, ServerUrl

TITLES = ("NODE", "ROLE", "PROGRESS", "LIST", "TURN", "WHY")
BAR = 30  # characters
NOBODY = NodeID("")
COMING_UP = (Phase.STARTING, Phase.RESTARTING)

_BARS = {Role.FEDERATED: "servers", Role.DATABASE: "database nodes"}
_ROLES = {Role.FEDERATED: "server", Role.DATABASE: "database"}


@dataclass(frozen=True, slots=True)
class Status:
    """How the rollout of the canonical list goes, as of one look."""

    sight: Sight
    survey: Survey
    outlook: Outlook

    @property
    def done(self) -> int:
        return _done(self.survey.places)

    @property
    def over(self) -> bool:
        """Whether nothing more is to be expected: nobody restarts any more, and nobody comes up."""
        down = [p.node_id for p in self.survey.places if p.progress is Progress.DOWN]
        reports = self.sight.network.reports
        return self.survey.ended and not any(n in reports and reports[n].phase in COMING_UP for n in down)

    @property
    def unseen(self) -> list[ServerUrl]:
        """The servers in the list that nobody has heard of yet."""
        canonical = self.sight.network.canonical
        return [url for url in canonical.servers if not self.sight.network.node_at(url)] if canonical else []


def status_of(sight: Sight, now: float) -> Status | None:
    """None while there is no canonical list. ``now``: seconds since the epoch."""
    canonical = sight.network.canonical
    if canonical is None:
        return None
    seen = survey(sight.network, canonical, sight.leader or NOBODY, now)
    return Status(sight, seen, outlook(seen, led=sight.leader is not None))


def headline(status: Status) -> str:
    """Which version, and how it goes, in one line."""
    network, seen = status.sight.network.keys.network, status.survey
    return f"network {network}, version {seen.version}: {status.outlook.state.value}: {status.outlook.why}"


def bars(status: Status) -> Iterator[tuple[str, int, int]]:
    """Yield, for each role that somebody has: its name, how many are in step, of how many."""
    for role, name in _BARS.items():
        nodes = status.survey.of(role)
        if nodes:
            yield name, _done(nodes), len(nodes)


def plain_bar(done: int, total: int) -> str:
    """A bar for where no terminal draws one."""
    filled = BAR * done // total
    return "[" + "#" * filled + "-" * (BAR - filled) + "]"


def footnotes(status: Status) -> Iterator[str]:
    """Yield what is to be said below the table."""
    if status.unseen:
        yield f"in the list, but never seen: {', '.join(url.text for url in status.unseen)}"
    step = next_step(status)
    if step:
        yield f"next: {step}"


def row(status: Status, place: Place) -> tuple[str, ...]:
    """One node, as `TITLES` has it."""
    report = status.sight.network.reports.get(place.node_id)
    role = "leader" if place.node_id == status.sight.leader else _ROLES[place.role]
    loaded = str(report.loaded_version) if report else ""
    turn = ago(place.kept.since) if place.kept else ""
    return place.node_id, role, place.progress.value, loaded, turn, place.reason


def next_step(status: Status) -> str:
    """What an operator can do now, in one line; empty where there is nothing to do."""
    match status.outlook.state:
        case State.PAUSED:
            return "`sidecar rollout resume` lets it go on"
        case State.HALTED:
            return _after_a_failure(status, status.survey.failed[0].node_id)
        case State.WAITING if status.sight.leader is None:
            return "start the sidecar of a server: one of them leads"
        case State.WAITING:
            return _for_who_is_down(status)
        case _:
            return _for_who_is_left_out(status)


def _for_who_is_down(status: Status) -> str:
    """Empty where they are only starting, which is no trouble yet."""
    reports = status.sight.network.reports
    for place in status.survey.places:
        name, report = place.node_id, reports.get(place.node_id)
        if place.progress is Progress.DOWN and (report is None or report.phase not in COMING_UP):
            return (
                f"see to {name}; or `sidecar rollout skip {name}` goes on without it, "
                f"`sidecar remove {name}` takes it out"
            )
    return ""


def _for_who_is_left_out(status: Status) -> str:
    for place in status.survey.places:
        if place.progress is Progress.PAUSED:
            return f"`sidecar resume {place.node_id}` lets it take part again"
        if place.progress is Progress.SKIPPED:
            return f"`sidecar rollout retry {place.node_id}` gives it another try"
    return ""


def _after_a_failure(status: Status, name: NodeID) -> str:
    good, present = status.sight.network.healthy, status.sight.network.canonical
    back = good and present and good.servers != present.servers
    ways = [
        f"see to {name}, and `sidecar rollout retry {name}` gives it another try",
        f"`sidecar rollout skip {name}` goes on without it",
        *([f"`sidecar rollback {good.version}` takes the change back"] if good and back else []),
    ]
    return "; or ".join(ways)


def to_document(status: Status) -> dict[str, object]:
    """The whole status for scripts: a contract, whose keys are always there."""
    seen, leader = status.survey, status.sight.leader
    return {
        "network": status.sight.network.keys.network,
        "version": seen.version,
        "state": status.outlook.state.value,
        "reason": status.outlook.why,
        "next": next_step(status),
        "ended": status.over,
        "leader": leader,
        "done": status.done,
        "total": len(seen.places),
        "roles": {role.value: {"done": _done(seen.of(role)), "total": len(seen.of(role))} for role in Role},
        "max_unavailable": seen.policy.max_unavailable.to_json(),
        "canary": seen.policy.canary,
        "unseen": [url.text for url in status.unseen],
        "nodes": [_node(status, place) for place in seen.places],
    }


def _node(status: Status, place: Place) -> dict[str, object]:
    report = status.sight.network.reports.get(place.node_id)
    return {
        "node_id": place.node_id,
        "role": place.role.value,
        "progress": place.progress.value,
        "reason": place.reason,
        "available": place.available,
        "loaded_version": report.loaded_version if report else None,
        "turn": {"version": place.kept.version, "since": place.kept.since, "free": place.kept.free}
        if place.kept
        else None,
    }


def _done(places: tuple[Place, ...]) -> int:
    return sum(place.progress is Progress.DONE for place in places)
