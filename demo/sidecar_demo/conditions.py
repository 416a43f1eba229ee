"""What can be asked of nodes. Each question returns a complaint: what is not so, None where all is well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise

from sidecar_demo.checks import Complaint, Condition, first
from sidecar_demo.node import Node
from sidecar_demo.observing import Life, Seen
from sidecar_demo.stage import Stamp

Outage = tuple[str, float, float]
"""Whose, from when, until when."""


def hold(nodes: Iterable[Node], servers: Sequence[str]) -> Condition:
    """The files hold ``servers``, in that order."""

    def about(node: Node) -> Complaint:
        found = node.servers()
        return None if found == tuple(servers) else f"{node.name}'s file holds {_listed(found)}"

    return lambda: first(map(about, nodes))


def in_step(nodes: Iterable[Node], servers: Sequence[str]) -> Condition:
    """File, process and sidecar of each node agree on ``servers``, and the sidecar calls it running."""

    def about(node: Node) -> Complaint:
        seen, lives = node.sidecar(), node.lives()
        return first(
            (
                hold([node], servers)(),
                _well(node, seen),
                _runs_on(node, lives, servers),
            )
        )

    return lambda: first(map(about, nodes))


def _well(node: Node, seen: Seen | None) -> Complaint:
    if seen is None:
        return f"{node.name}'s sidecar does not answer"
    if seen.phase != "running" or not seen.ready:
        return f"{node.name} is {seen.phase} ({seen.reason})"
    if seen.loaded_version != seen.canonical_version:
        return f"{node.name} runs on version {seen.loaded_version} of {seen.canonical_version}"
    return None


def _runs_on(node: Node, lives: Sequence[Life], servers: Sequence[str]) -> Complaint:
    if not lives or lives[-1].ended is not None:
        return f"{node.name}'s process does not run"
    if lives[-1].servers != tuple(servers):
        return f"{node.name}'s process runs on {_listed(lives[-1].servers)}"
    return None


def phase_is(node: Node, phase: str) -> Condition:
    """The sidecar says so."""

    def about() -> Complaint:
        seen = node.sidecar()
        if seen is None:
            return f"{node.name}'s sidecar does not answer"
        return None if seen.phase == phase else f"{node.name} is {seen.phase} ({seen.reason})"

    return about


def leads(node: Node) -> Condition:
    """This one leads."""

    def about() -> Complaint:
        seen = node.sidecar()
        return None if seen and seen.leading else f"{node.name} does not lead"

    return about


def adopted(node: Node, pid: int | None) -> Condition:
    """Its sidecar looks after the process ``pid``."""

    def about() -> Complaint:
        seen = node.sidecar()
        if seen is None:
            return f"{node.name}'s sidecar does not answer"
        return None if seen.pid == pid else f"{node.name}'s sidecar looks after {seen.pid}, not {pid}"

    return about


def without_lease(nodes: Iterable[Node]) -> Condition:
    """No sidecar has a lease that is alive."""

    def about(node: Node) -> Complaint:
        seen = node.sidecar()
        if seen is None:
            return f"{node.name}'s sidecar does not answer"
        return f"{node.name}'s lease is alive" if seen.lease_alive else None

    return lambda: first(map(about, nodes))


def runs(node: Node) -> Condition:
    """Its process answers."""
    return lambda: None if node.process() else f"{node.name}'s process does not answer"


def started(nodes: Iterable[Node], starts: Mapping[str, int]) -> Condition:
    """Each process was started as often as ``starts`` says, no less and no more."""

    def about(node: Node) -> Complaint:
        count, wanted = len(node.lives()), starts[node.name]
        return None if count == wanted else f"{node.name}'s process was started {count} times, not {wanted}"

    return lambda: first(map(about, nodes))


def answers_as(nodes: Iterable[Node], pids: Mapping[str, int | None]) -> Condition:
    """The same processes as before answer."""

    def about(node: Node) -> Complaint:
        pid, wanted = node.process(), pids[node.name]
        if pid is None:
            return f"{node.name}'s process does not answer"
        return None if pid == wanted else f"{node.name}'s process is {pid}, not {wanted}"

    return lambda: first(map(about, nodes))


def silent(node: Node) -> Condition:
    """Its process does not run."""

    def about() -> Complaint:
        pid = node.process()
        return None if pid is None else f"{node.name}'s process answers (pid {pid})"

    return about


def untouched(nodes: Iterable[Node], stamps: Mapping[str, Stamp]) -> Condition:
    """Nobody has written these files."""

    def about(node: Node) -> Complaint:
        return None if Stamp.of(node.file) == stamps[node.name] else f"{node.name}'s file was written"

    return lambda: first(map(about, nodes))


def never_saw(node: Node, url: str) -> Condition:
    """No life of the process has loaded a list with ``url`` in it."""

    def about() -> Complaint:
        guilty = [life.pid for life in node.lives() if url in life.servers]
        return f"{node.name}'s process has loaded it (pid {guilty[0]})" if guilty else None

    return about


def took_turns(nodes: Iterable[Node], since: float) -> Condition:
    """Of these nodes at most one at a time was out of service. ``since`` is in seconds since the epoch."""

    return lambda: overlap([outage for node in nodes for outage in outages(node.name, node.lives(), since)])


def outages(name: str, lives: Sequence[Life], since: float) -> list[Outage]:
    """When the process was away, from the end of one life until the next one served.

    One that was killed wrote down no end: it may have been away ever since it was seen to serve.
    """
    never = float("inf")
    return [
        (name, before.ended or before.serves or before.started, after.serves or never)
        for before, after in pairwise(lives)
        if after.started >= since
    ]


def overlap(found: Sequence[Outage]) -> Complaint:
    """Complain of two that were away at the same time."""
    for (one, left, back), (other, left_too, back_too) in combinations(found, 2):
        if one != other and left < back_too and left_too < back:
            return f"{one} and {other} were down at the same time"
    return None


def logged(node: Node, wanted: str) -> Condition:
    """``wanted`` stands in the log of its sidecar."""
    return lambda: None if wanted in node.log_text() else f"{wanted!r} does not stand in {node.log}"


def is_so(fact: object, complaint: str) -> Condition:
    """``fact`` was true."""
    return lambda: None if fact else complaint


def _listed(servers: Sequence[str]) -> str:
    return ", ".join(servers) or "no list"
