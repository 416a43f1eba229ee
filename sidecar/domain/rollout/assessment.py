"""The rollout of the canonical list: where every node stands, whose turn it is, and what holds it up.

`survey` is the one look at it, for the leader, who grants turns, and for operators, who watch. A change
reaches every file at once; the restarts that follow go through the network in order: at most
``max_unavailable`` nodes of a role out of service at a time, servers before database nodes, the leader's own
server last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from sidecar.domain.identity import Role
from sidecar.domain.network.context import epoch
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import RolloutPolicy
from sidecar.domain.records.rollout import Halt, Standstill
from sidecar.domain.rollout.node_progress import UNDER_WAY, Place, Progress, place_of
from sidecar.domain.servers import NodeID

IN_ORDER = 2.0
"""Seconds from a version on in which turns are given in their order alone: who hears of it late, and would go
first, has not asked yet. After that whoever asks goes, as another may be unable to."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Everybody's place, in the order of their turns.

    ``fresh``: the version is so new that not everybody need have asked for a turn yet. ``stands``: it is
    older than a turn may take. ``look_again`` is when time alone changes something (seconds, Unix epoch).
    """

    version: int
    policy: RolloutPolicy
    places: tuple[Place, ...]
    paused: Standstill | None = None
    fresh: bool = False
    stands: bool = False
    look_again: float | None = None

    @property
    def failed(self) -> tuple[Place, ...]:
        return tuple(place for place in self.places if place.progress is Progress.FAILED)

    @property
    def vouched(self) -> bool:
        """Whether every node is healthy on the newest list, but for those that an operator left out.

        Where nobody is known yet, nobody is.
        """
        left_out = (Progress.PAUSED, Progress.SKIPPED)
        asked = [place for place in self.places if place.progress not in left_out]
        return bool(asked) and all(place.progress is Progress.DONE for place in asked)

    @property
    def ended(self) -> bool:
        """Whether nobody is to be restarted any more."""
        return not self.failed and all(place.progress not in UNDER_WAY for place in self.places)

    @property
    def halted(self) -> str | None:
        """Why it stopped by itself; None where it did not."""
        return _told(self.failed) or None

    def of(self, role: Role) -> tuple[Place, ...]:
        return tuple(place for place in self.places if place.role is role)

    def room(self, role: Role) -> int:
        """How many more nodes of ``role`` may be taken out of service now."""
        nodes = self.of(role)
        return self.policy.max_unavailable.of(len(nodes)) - sum(not place.available for place in nodes)

    def waits_for(self) -> str | None:
        """Say what those who wait wait for, where it is neither a halt nor a turn; None where nobody does."""
        return _told(self._in_the_way()) or None

    def kept_up(self) -> str | None:
        """Of that, what may stay so: who is missing, and, after the time of a turn, everybody else.

        Until then who boots or crashes is seen to by its sidecar. What such a one says of itself changes all
        the time, and is for those who look.
        """
        told = []
        for place in self._in_the_way():
            if place.missing:
                told.append(f"{place.node_id} {place.reason}")
            elif self.stands:
                lacks = "ask for its turn" if place.progress is Progress.WAITING else "become healthy"
                told.append(f"{place.node_id} does not {lacks}")
        return "; ".join(told) or None

    def _in_the_way(self) -> tuple[Place, ...]:
        """Who is out of service or cannot follow, and has those wait who would go now."""
        canary = self._canary_to_come()
        stays = canary and canary.progress is Progress.WAITING and not canary.asks
        if canary and (stays or canary.progress is Progress.DOWN):
            return (canary,)
        for role in Role:
            nodes = self.of(role)
            out = [p for p in nodes if p.progress in (Progress.DOWN, Progress.PAUSED) and not p.available]
            waiting = [place for place in nodes if place.progress is Progress.WAITING]
            if waiting and self.room(role) < 1:
                return tuple(out)
            if waiting:
                return () if any(place.asks for place in waiting) else tuple(waiting)
        return ()

    def turns(self) -> Iterator[tuple[Place, bool]]:
        """Yield who may restart now, and whether that costs nobody anything: it is out of service anyway."""
        if self.paused:
            return
        for place in self.places:
            # Whoever is away goes straight to the newest list; who is back already waits as everybody does.
            is_away = not place.available and place.progress is not Progress.SETTLING
            if place.asks and is_away and (not place.kept or place.kept.version < self.version):
                yield place, place.kept is None or place.kept.free
        if self.failed:
            return
        for role in Role:
            waiting = [p for p in self.of(role) if p.progress is Progress.WAITING and self._canary_allows(p)]
            ready = takewhile(lambda place: place.asks, waiting) if self.fresh else waiting
            for place in [place for place in ready if place.asks][: max(0, self.room(role))]:
                yield place, False
            if any(place.progress in UNDER_WAY for place in self.of(role)) and not self._canary_to_come():
                return

    def _canary_to_come(self) -> Place | None:
        """The canary, while the others wait for it."""
        left_out = (Progress.DONE, Progress.PAUSED, Progress.SKIPPED)
        canary = next((place for place in self.places if place.node_id == self.policy.canary), None)
        return canary if canary and canary.progress not in left_out else None

    def _canary_allows(self, place: Place) -> bool:
        canary = self._canary_to_come()
        return canary is None or canary is place


def survey(network: Network, canonical: Canonical, leader: NodeID, now: float) -> Survey:
    """Look at everybody. ``leader``: whose turn is last. ``now``: seconds since the epoch."""
    policy = network.policy.rollout
    order = {url: place for place, url in enumerate(canonical.servers)}

    def turn(member: Member) -> tuple[bool, bool, bool, int, str]:
        place = order.get(member.url, 0) if member.url else 0
        is_canary, is_leader = member.node_id == policy.canary, member.node_id == leader
        return (not is_canary, member.role is not Role.FEDERATED, is_leader, place, member.node_id)

    members = sorted(network.members_of(canonical), key=turn)
    places = tuple(place_of(member, network, canonical, now) for member in members)
    halt = network.standstill
    age = now - epoch(canonical.at)
    return Survey(
        canonical.version,
        policy,
        places,
        paused=halt if halt and halt.kind is Halt.PAUSED else None,
        fresh=0 <= age < IN_ORDER,  # not by a clock that was ahead
        stands=age >= policy.timeout,
        look_again=min(_moments(places, now, age, (IN_ORDER, policy.timeout)), default=None),
    )


def _moments(places: Iterable[Place], now: float, age: float, ages: Iterable[float]) -> Iterator[float]:
    """When time alone changes something: about a place, or as the version comes to one of ``ages``."""
    yield from (place.look_again for place in places if place.look_again is not None)
    if any(place.progress is not Progress.DONE for place in places):
        yield from (now + at - age for at in ages if at > age)


def _told(places: Iterable[Place]) -> str:
    return "; ".join(f"{place.node_id} {place.reason}" for place in places)
