"""The state of the rollout: the progress of every node, which nodes may restart, and what blocks them.

`assess` derives it, both for the leader, which grants restarts, and for operators' commands. A change reaches
every file at once; the restarts that follow are in order: at most ``max_unavailable`` nodes of a role are
unavailable at a time, servers restart before database nodes, and the leader's own server last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from sidecar.domain.identity import Role
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import RolloutPolicy
from sidecar.domain.records.rollout import BlockKind, RolloutBlock
from sidecar.domain.rollout.node_progress import UNFINISHED, NodeProgress, Progress, assess_node
from sidecar.domain.servers import NodeID
from sidecar.domain.timestamps import parse_timestamp

STRICT_ORDER_PERIOD = 2.0
"""Seconds after a version in which restarts are granted in strict order, as a node that hears of it late has
not requested one yet. After that, nodes that have not requested a restart are skipped in the order."""


@dataclass(frozen=True, slots=True)
class GrantableNode:
    """A node that may restart now. ``already_unavailable``: it does not serve anyway."""

    node: NodeProgress
    already_unavailable: bool


@dataclass(frozen=True, slots=True)
class RolloutState:
    """All nodes, in the order in which they restart.

    ``in_strict_order``: the version is so new that nodes may not have requested a restart yet. ``overdue``:
    it is older than a restart may take. ``next_check_at`` is when time alone changes something, in seconds
    since the epoch.
    """

    version: int
    policy: RolloutPolicy
    nodes: tuple[NodeProgress, ...]
    paused: RolloutBlock | None = None
    in_strict_order: bool = False
    overdue: bool = False
    next_check_at: float | None = None

    @property
    def failed(self) -> tuple[NodeProgress, ...]:
        return tuple(node for node in self.nodes if node.progress is Progress.FAILED)

    @property
    def all_healthy(self) -> bool:
        """Whether every node is healthy on the newest list, except for those that an operator left out.

        False while no node is known.
        """
        left_out = (Progress.PAUSED, Progress.SKIPPED)
        counted = [node for node in self.nodes if node.progress not in left_out]
        return bool(counted) and all(node.progress is Progress.DONE for node in counted)

    @property
    def is_over(self) -> bool:
        """Whether no node has to restart any more."""
        return not self.failed and all(node.progress not in UNFINISHED for node in self.nodes)

    @property
    def halt_reason(self) -> str | None:
        """Why a failure halted the rollout; None if none did."""
        return _describe(self.failed) or None

    def with_role(self, role: Role) -> tuple[NodeProgress, ...]:
        return tuple(node for node in self.nodes if node.role is role)

    def slots_left(self, role: Role) -> int:
        """How many more nodes of ``role`` may become unavailable now."""
        nodes = self.with_role(role)
        return self.policy.max_unavailable.of(len(nodes)) - sum(not node.available for node in nodes)

    def blockers(self) -> str | None:
        """The nodes that block others, and why, apart from a failure or a restart; None if none does."""
        return _describe(self._blockers()) or None

    def long_term_blockers(self) -> str | None:
        """The blockers that may need an operator.

        A node that is away is one at once, any other when the version is overdue.

        Until then, the sidecar of a node that boots or crashes takes care of it; its report changes too often
        to be published.
        """
        reasons = []
        for node in self._blockers():
            if node.away:
                reasons.append(f"{node.node_id} {node.reason}")
            elif self.overdue:
                step = "requested a restart" if node.progress is Progress.WAITING else "become healthy"
                reasons.append(f"{node.node_id} has not {step}")
        return "; ".join(reasons) or None

    def _blockers(self) -> tuple[NodeProgress, ...]:
        """The nodes that are unavailable or cannot follow, and so keep others from restarting."""
        canary = self._pending_canary()
        stays = canary and canary.progress is Progress.WAITING and not canary.wants_grant
        if canary and (stays or canary.progress is Progress.DOWN):
            return (canary,)
        for role in Role:
            nodes = self.with_role(role)
            unavailable = [
                p for p in nodes if p.progress in (Progress.DOWN, Progress.PAUSED) and not p.available
            ]
            waiting = [node for node in nodes if node.progress is Progress.WAITING]
            if waiting and self.slots_left(role) < 1:
                return tuple(unavailable)
            if waiting:
                return () if any(node.wants_grant for node in waiting) else tuple(waiting)
        return ()

    def grantable(self) -> Iterator[GrantableNode]:
        """Yield the nodes that may restart now."""
        if self.paused:
            return
        for node in self.nodes:
            # An unavailable node goes straight to the newest list; one that is back waits like the others.
            is_unavailable = not node.available and node.progress is not Progress.SETTLING
            if (
                node.wants_grant
                and is_unavailable
                and (not node.next_grant or node.next_grant.version < self.version)
            ):
                unavailable_before = node.next_grant is None or node.next_grant.already_unavailable
                yield GrantableNode(node, already_unavailable=unavailable_before)
        if self.failed:
            return
        for role in Role:
            waiting = [
                p for p in self.with_role(role) if p.progress is Progress.WAITING and self._canary_allows(p)
            ]
            ready = takewhile(lambda node: node.wants_grant, waiting) if self.in_strict_order else waiting
            for node in [node for node in ready if node.wants_grant][: max(0, self.slots_left(role))]:
                yield GrantableNode(node, already_unavailable=False)
            if (
                any(node.progress in UNFINISHED for node in self.with_role(role))
                and not self._pending_canary()
            ):
                return

    def _pending_canary(self) -> NodeProgress | None:
        """The canary, while the other nodes wait for it."""
        left_out = (Progress.DONE, Progress.PAUSED, Progress.SKIPPED)
        canary = next((node for node in self.nodes if node.node_id == self.policy.canary), None)
        return canary if canary and canary.progress not in left_out else None

    def _canary_allows(self, node: NodeProgress) -> bool:
        canary = self._pending_canary()
        return canary is None or canary is node


def assess(network: Network, canonical: Canonical, leader: NodeID, now: float) -> RolloutState:
    """Assess every node. The ``leader`` restarts last. ``now``: seconds since the epoch."""
    policy = network.policy.rollout
    order = {url: index for index, url in enumerate(canonical.servers)}

    def sort_key(member: Member) -> tuple[bool, bool, bool, int, str]:
        index = order.get(member.url, 0) if member.url else 0
        is_canary, is_leader = member.node_id == policy.canary, member.node_id == leader
        return (not is_canary, member.role is not Role.FEDERATED, is_leader, index, member.node_id)

    members = sorted(network.members_of(canonical), key=sort_key)
    nodes = tuple(assess_node(member, network, canonical, now) for member in members)
    block = network.rollout.block
    age = now - parse_timestamp(canonical.at)
    return RolloutState(
        canonical.version,
        policy,
        nodes,
        paused=block if block and block.kind is BlockKind.PAUSED else None,
        in_strict_order=0 <= age < STRICT_ORDER_PERIOD,  # a clock that was ahead does not count
        overdue=age >= policy.timeout,
        next_check_at=min(_check_times(nodes, now, age, (STRICT_ORDER_PERIOD, policy.timeout)), default=None),
    )


def _check_times(
    nodes: Iterable[NodeProgress], now: float, age: float, ages: Iterable[float]
) -> Iterator[float]:
    """When time alone changes something: for a node, or as the version reaches one of ``ages``."""
    yield from (node.next_check_at for node in nodes if node.next_check_at is not None)
    if any(node.progress is not Progress.DONE for node in nodes):
        yield from (now + at - age for at in ages if at > age)


def _describe(nodes: Iterable[NodeProgress]) -> str:
    return "; ".join(f"{node.node_id} {node.reason}" for node in nodes)
