"""A network and its events, drawn from a seed: the same seed gives the same network and events."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from sidecar.domain.records.policy import Budget, Limit, OnFailure, Policy, RolloutPolicy
from sidecar.domain.servers import NodeID

MAX_SERVERS = 50
LEADER = "the leader"
"""The node that leads when the event happens."""


class Kind(StrEnum):
    """The kinds of events. The ``value`` of an event that lasts is in seconds."""

    JOIN = "joins"
    REMOVE = "is removed"
    READMIT = "is readmitted"
    CRASH = "crashes"
    KILL = "has its sidecar killed"
    STOP = "has its sidecar stopped"
    FREEZE = "has its sidecar frozen"
    PARTITION = "is cut off"
    HALF_OPEN = "receives no changes"
    LOSE_ANSWERS = "loses an answer of etcd"
    BECOME_UNHEALTHY = "becomes unhealthy"
    SLOW_DOWN = "boots slowly from now on"
    EDIT_FILE = "has its file edited"
    BREAK = "fails to start on any new list until it is repaired"
    JOIN_POISONOUS = "joins, and no other node starts on a list with it"
    PAUSE = "is paused"
    RESUME = "is resumed"
    SKIP = "is skipped"
    RETRY = "is retried"
    PAUSE_ALL = "pauses the rollout"
    RESUME_ALL = "resumes the rollout"
    ROLLBACK = "rolls back"
    POLICY = "changes the policy"


_WEIGHTS = {
    Kind.JOIN: 10,
    Kind.REMOVE: 5,
    Kind.READMIT: 3,
    Kind.CRASH: 4,
    Kind.KILL: 5,
    Kind.STOP: 3,
    Kind.FREEZE: 4,
    Kind.PARTITION: 5,
    Kind.HALF_OPEN: 2,
    Kind.LOSE_ANSWERS: 2,
    Kind.BECOME_UNHEALTHY: 4,
    Kind.SLOW_DOWN: 3,
    Kind.EDIT_FILE: 2,
    Kind.BREAK: 2,
    Kind.JOIN_POISONOUS: 2,
    Kind.PAUSE: 2,
    Kind.RESUME: 2,
    Kind.SKIP: 2,
    Kind.RETRY: 2,
    Kind.PAUSE_ALL: 1,
    Kind.RESUME_ALL: 1,
    Kind.ROLLBACK: 2,
    Kind.POLICY: 2,
}
_DURATIONS = {
    Kind.KILL: (0.5, 40.0),
    Kind.STOP: (0.5, 20.0),
    Kind.FREEZE: (1.0, 40.0),
    Kind.PARTITION: (1.0, 40.0),
    Kind.HALF_OPEN: (0.5, 8.0),
    Kind.BECOME_UNHEALTHY: (1.0, 40.0),
    Kind.SLOW_DOWN: (5.0, 30.0),
}
_WITHOUT_NODE = (Kind.PAUSE_ALL, Kind.RESUME_ALL, Kind.ROLLBACK, Kind.POLICY)
_NEWCOMERS = (Kind.JOIN, Kind.JOIN_POISONOUS)
_MAY_HIT_LEADER = (Kind.KILL, Kind.STOP, Kind.FREEZE, Kind.PARTITION, Kind.HALF_OPEN, Kind.LOSE_ANSWERS)


@dataclass(frozen=True, slots=True)
class Event:
    """At ``at`` (seconds after the network was in step), ``kind`` happens to ``node``."""

    at: float
    kind: Kind
    node: NodeID | str = ""
    value: float = 0.0
    policy: Policy | None = None

    def __str__(self) -> str:
        lasts = f" ({self.value:.1f} s)" if self.kind in _DURATIONS else ""
        rules = f": {self.policy.rollout}" if self.policy else ""
        return f"{self.node or 'an operator'} {self.kind.value}{lasts}{rules}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A network of ``servers`` and ``databases``, and what happens to it, in order.

    ``boot`` and ``stopping`` are how long processes take, ``delay`` how long a call to etcd may take one way,
    all in seconds. ``unrecoverable`` is never repaired after its `Kind.BREAK`.
    """

    seed: int
    servers: int
    databases: int
    boot: float
    stopping: float
    delay: float
    policy: Policy
    events: tuple[Event, ...]
    unrecoverable: NodeID | None = None


def draw(seed: int) -> Schedule:
    """The schedule of ``seed``."""
    dice = random.Random(seed)
    servers, databases = _size(dice, seed), dice.choice((0, 0, 1, 1, 2, 3))
    policy = _policy(dice)
    nodes = [f"fed-{n}" for n in range(1, servers + 1)] + [f"db-{n}" for n in range(1, databases + 1)]
    known = [NodeID(node) for node in nodes]
    events = _events(dice, known, servers)
    unrecoverable = None
    if dice.random() < 0.15 and servers > 2:
        unrecoverable = NodeID(f"fed-{dice.randint(1, servers)}")
        spared = [
            each for each in events if each.node != unrecoverable and each.kind not in (Kind.SKIP, Kind.PAUSE)
        ]
        events = [Event(0.0, Kind.BREAK, unrecoverable), *spared]
    return Schedule(
        seed=seed,
        servers=servers,
        databases=databases,
        boot=dice.choice((0.2, 1.0, 3.0, 8.0)),
        stopping=dice.choice((0.0, 0.5, 3.0)),
        delay=dice.choice((0.0, 0.01, 0.05, 0.4)),
        policy=policy,
        events=tuple(events),
        unrecoverable=unrecoverable,
    )


def _size(dice: random.Random, seed: int) -> int:
    """The number of servers: mostly few, as most faults show there; many for every hundredth seed."""
    if seed % 100 == 99:
        return dice.randint(20, MAX_SERVERS)
    return dice.randint(2, 5) if dice.random() < 0.85 else dice.randint(6, 12)


def _policy(dice: random.Random) -> Policy:
    return Policy(
        rollout=RolloutPolicy(
            max_unavailable=dice.choice((Limit(1), Limit(1), Limit(2), Limit(25, percent=True))),
            min_ready=dice.choice((0.0, 0.0, 2.0, 7.0)),
            timeout=dice.choice((15.0, 60.0, 600.0)),
            canary=dice.choice((None, None, NodeID("fed-2"), NodeID("db-1"))),
            on_failure=dice.choice((OnFailure.HALT, OnFailure.ROLLBACK)),
            budget=dice.choice((Budget(), Budget(3, 60.0))),
        )
    )


def _events(dice: random.Random, known: list[NodeID], servers: int) -> list[Event]:
    """Faults and requests, some of them close together."""
    events: list[Event] = []
    at, following = 0.0, servers + 1
    for _ in range(dice.randint(3, 16)):
        at += dice.choice((0.0, dice.uniform(0, 1), dice.uniform(0, 6), dice.uniform(0, 25)))
        kind = dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        node: NodeID | str = dice.choice(known)
        if kind in _NEWCOMERS:
            node = NodeID(f"fed-{following}")
            known.append(node)
            following += 1
        elif kind in _WITHOUT_NODE:
            node = ""
        elif kind in _MAY_HIT_LEADER and dice.random() < 0.4:
            node = LEADER
        policy = _policy(dice) if kind is Kind.POLICY else None
        value = dice.uniform(*_DURATIONS[kind]) if kind in _DURATIONS else dice.random()
        events.append(Event(at, kind, node, value, policy))
    return events
