"""Conditions of nodes. Each returns the reason why it does not hold, or None."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise

from sidecar_demo.checks import Condition, FailureReason, first_failure
from sidecar_demo.network import FileStamp
from sidecar_demo.node import DemoNode
from sidecar_demo.node_status import Incarnation, SidecarStatus

Outage = tuple[str, float, float]
"""The node, the begin and the end of an outage."""


def files_hold(nodes: Iterable[DemoNode], servers: Sequence[str]) -> Condition:
    """The files have ``servers``, in that order."""

    def check(node: DemoNode) -> FailureReason:
        found = node.servers()
        return None if found == tuple(servers) else f"{node.name}'s file has {_listed(found)}"

    return lambda: first_failure(map(check, nodes))


def in_step(nodes: Iterable[DemoNode], servers: Sequence[str]) -> Condition:
    """File, process and sidecar of each node agree on ``servers``, and the phase is running."""

    def check(node: DemoNode) -> FailureReason:
        status, incarnations = node.sidecar(), node.incarnations()
        return first_failure(
            (
                files_hold([node], servers)(),
                _is_healthy(node, status),
                _runs_on(node, incarnations, servers),
            )
        )

    return lambda: first_failure(map(check, nodes))


def _is_healthy(node: DemoNode, status: SidecarStatus | None) -> FailureReason:
    if status is None:
        return f"{node.name}'s sidecar does not answer"
    if status.phase != "running" or not status.ready:
        return f"{node.name} is {status.phase} ({status.reason})"
    if status.loaded_version != status.canonical_version:
        return f"{node.name} has loaded version {status.loaded_version} of {status.canonical_version}"
    return None


def _runs_on(node: DemoNode, incarnations: Sequence[Incarnation], servers: Sequence[str]) -> FailureReason:
    if not incarnations or incarnations[-1].ended is not None:
        return f"{node.name}'s process does not run"
    if incarnations[-1].servers != tuple(servers):
        return f"{node.name}'s process has loaded {_listed(incarnations[-1].servers)}"
    return None


def phase_is(node: DemoNode, phase: str) -> Condition:
    """The sidecar reports ``phase``."""

    def check() -> FailureReason:
        status = node.sidecar()
        if status is None:
            return f"{node.name}'s sidecar does not answer"
        return None if status.phase == phase else f"{node.name} is {status.phase} ({status.reason})"

    return check


def is_leader(node: DemoNode) -> Condition:
    """The node is the leader."""

    def check() -> FailureReason:
        status = node.sidecar()
        return None if status and status.leading else f"{node.name} is not the leader"

    return check


def adopted(node: DemoNode, pid: int | None) -> Condition:
    """Its sidecar supervises the process ``pid``."""

    def check() -> FailureReason:
        status = node.sidecar()
        if status is None:
            return f"{node.name}'s sidecar does not answer"
        return None if status.pid == pid else f"{node.name}'s sidecar supervises {status.pid}, not {pid}"

    return check


def leases_expired(nodes: Iterable[DemoNode]) -> Condition:
    """No sidecar has a lease that is alive."""

    def check(node: DemoNode) -> FailureReason:
        status = node.sidecar()
        if status is None:
            return f"{node.name}'s sidecar does not answer"
        return f"{node.name}'s lease is alive" if status.lease_alive else None

    return lambda: first_failure(map(check, nodes))


def process_runs(node: DemoNode) -> Condition:
    """Its process answers."""
    return lambda: None if node.process() else f"{node.name}'s process does not answer"


def start_counts_match(nodes: Iterable[DemoNode], starts: Mapping[str, int]) -> Condition:
    """Each process was started exactly as often as ``starts`` says."""

    def check(node: DemoNode) -> FailureReason:
        count, wanted = len(node.incarnations()), starts[node.name]
        return None if count == wanted else f"{node.name}'s process was started {count} times, not {wanted}"

    return lambda: first_failure(map(check, nodes))


def same_processes_answer(nodes: Iterable[DemoNode], pids: Mapping[str, int | None]) -> Condition:
    """The same processes as before answer."""

    def check(node: DemoNode) -> FailureReason:
        pid, wanted = node.process(), pids[node.name]
        if pid is None:
            return f"{node.name}'s process does not answer"
        return None if pid == wanted else f"{node.name}'s process is {pid}, not {wanted}"

    return lambda: first_failure(map(check, nodes))


def process_is_down(node: DemoNode) -> Condition:
    """Its process does not run."""

    def check() -> FailureReason:
        pid = node.process()
        return None if pid is None else f"{node.name}'s process answers (pid {pid})"

    return check


def files_unchanged(nodes: Iterable[DemoNode], stamps: Mapping[str, FileStamp]) -> Condition:
    """These files were not written."""

    def check(node: DemoNode) -> FailureReason:
        return None if FileStamp.of(node.file) == stamps[node.name] else f"{node.name}'s file was written"

    return lambda: first_failure(map(check, nodes))


def never_loaded(node: DemoNode, url: str) -> Condition:
    """No incarnation of the process has loaded a list with ``url`` in it."""

    def check() -> FailureReason:
        pids = [incarnation.pid for incarnation in node.incarnations() if url in incarnation.servers]
        return f"{node.name}'s process has loaded it (pid {pids[0]})" if pids else None

    return check


def restarted_one_at_a_time(nodes: Iterable[DemoNode], since: float) -> Condition:
    """At most one of these nodes was out of service at a time. ``since`` is in seconds since the epoch."""

    return lambda: overlap(
        [outage for node in nodes for outage in outages(node.name, node.incarnations(), since)]
    )


def outages(name: str, incarnations: Sequence[Incarnation], since: float) -> list[Outage]:
    """The times when the process was down: from the end of an incarnation until the next one served.

    A killed incarnation recorded no end: it may have been down since it began to serve.
    """
    never = float("inf")
    return [
        (name, before.ended or before.serves or before.started, after.serves or never)
        for before, after in pairwise(incarnations)
        if after.started >= since
    ]


def overlap(found: Sequence[Outage]) -> FailureReason:
    """Report two nodes that were down at the same time."""
    for (one, left, back), (other, left_too, back_too) in combinations(found, 2):
        if one != other and left < back_too and left_too < back:
            return f"{one} and {other} were down at the same time"
    return None


def log_contains(node: DemoNode, wanted: str) -> Condition:
    """The log of its sidecar contains ``wanted``."""
    return lambda: None if wanted in node.log_text() else f"{wanted!r} is not in {node.log}"


def holds(fact: object, failure: str) -> Condition:
    """``fact`` was true."""
    return lambda: None if fact else failure


def _listed(servers: Sequence[str]) -> str:
    return ", ".join(servers) or "no list"
