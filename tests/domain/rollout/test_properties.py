"""The leader's decisions from any snapshot, event by event and write by write.

`Walk` applies the leader's transactions one at a time; between them simplified nodes restart, become healthy,
fail, vanish and return in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.domain.leader.decide import decide
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.encoding import Record, encode
from sidecar.domain.records.membership import Member
from sidecar.domain.records.policy import Budget, Limit, OnFailure, Policy, RolloutPolicy
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.rollout import BlockKind
from sidecar.domain.records.store import Delete, Put, Transaction
from sidecar.domain.servers import NodeID
from tests.builders import KEYS, apply_transaction, canonical, join, network, report, server
from tests.domain.leader_kit import LEADER, NOW

NODES = [server(number) for number in (1, 2, 3, 4)]
ACTS = ("lead", "lead", "act", "act", "come up", "fail", "vanish", "join", "wait")
POLICIES = st.builds(
    RolloutPolicy,
    max_unavailable=st.sampled_from([Limit(1), Limit(2), Limit(25, percent=True)]),
    canary=st.sampled_from([None, NodeID("fed-2")]),
    on_failure=st.sampled_from(list(OnFailure)),
    min_ready=st.sampled_from([0.0, 5.0]),
    timeout=st.just(30.0),
    budget=st.sampled_from([Budget(100, 600.0), Budget(2, 40.0)]),
)


@dataclass(slots=True)
class Walk:
    """A network, and a clock that advances by a second with every event."""

    network: Network
    now: float = NOW
    newcomers: int = 0

    def put(self, key: str, record: Record) -> None:
        self.network = apply_transaction(self.network, Transaction((), (Put(key, encode(record)),)))

    def lead(self) -> bool:
        """Apply one transaction of the leader, and check the invariants; False if there is none."""
        step = decide(self.network, LEADER, self.now)
        if step is None:
            return False
        before, self.network = self.network, apply_transaction(self.network, step.transaction)
        _check(before, self.network)
        return True

    def happen(self, act: str, place: int) -> None:
        self.now += 1.0
        who = NODES[place]
        known = self.network.reports.get(who.node_id)
        match act:
            case "lead":
                self.lead()
            case "act":
                self.put(KEYS.report(who.node_id), self._next(known, place))
            case "come up" if known and known.phase in (Phase.STARTING, Phase.RUNNING):
                self.put(KEYS.report(who.node_id), replace(known, phase=Phase.RUNNING, healthy=True))
            case "fail" if known:
                self.put(KEYS.report(who.node_id), replace(known, phase=Phase.CRASHED, healthy=False))
            case "vanish":
                self.network = apply_transaction(
                    self.network, Transaction((), (Delete(KEYS.report(who.node_id)),))
                )
            case "join" if self.newcomers < 3:
                self.newcomers += 1
                newcomer = server(10 + self.newcomers)
                assert newcomer.url
                request = join(newcomer, 9000, 9001, 9002, newcomer.url.port)
                self.put(KEYS.request(f"join-{newcomer.node_id}"), request)
            case "wait":
                self.now += 20.0
            case _:
                pass

    def _next(self, known: Report | None, place: int) -> Report:
        """The next report of a node: it requests a restart, uses its grant, or starts again."""
        newest, who = self.network.canonical, NODES[place]
        assert newest
        grant = self.network.rollout.grants.get(who.node_id)
        if known is None or known.phase is Phase.CRASHED:
            return report(who, Phase.STARTING, loaded=newest.version, healthy=False)
        if known.loaded_version >= newest.version:
            return known
        if grant and grant.version > known.loaded_version and known.phase is Phase.RESTART_PENDING:
            return report(who, Phase.STARTING, loaded=newest.version, healthy=False)
        return replace(known, phase=Phase.RESTART_PENDING)


def _serves(found: Network, node: NodeID) -> bool:
    known = found.reports.get(node)
    return known is not None and known.healthy


def _check(before: Network, after_: Network) -> None:
    old, new = before.canonical, after_.canonical
    assert old
    assert new
    assert new.version in (old.version, old.version + 1)
    gone = {tombstone.url for tombstone in after_.membership.tombstones}
    assert all(url in new.servers or url in gone for url in old.servers)
    members = {member.node_id for member in before.members_of(old)}
    limit = before.policy.rollout.max_unavailable.of(len(members))
    for node, grant in after_.rollout.grants.items():
        if grant.already_unavailable or node in before.rollout.grants:
            continue
        away = [n for n in members if n != node and (n in after_.rollout.grants or not _serves(before, n))]
        assert len(away) < limit, (node, away, limit)


@given(
    policy=POLICIES,
    loaded=st.lists(st.integers(1, 2), min_size=4, max_size=4),
    healthy=st.lists(st.booleans(), min_size=4, max_size=4),
    absent=st.sets(st.integers(0, 3)),
    acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 3)), max_size=60),
)
@settings(max_examples=100, deadline=None)
def test_invariants_hold_in_any_order_of_events_and_writes(
    policy: RolloutPolicy,
    loaded: list[int],
    healthy: list[bool],
    absent: set[int],
    acts: list[tuple[str, int]],
) -> None:
    records: dict[str, Record] = {
        KEYS.canonical: canonical(9000, 9001, 9002, 9003, version=2),
        KEYS.last_healthy: canonical(9000, 9001, 9002, version=1),
        KEYS.policy: Policy(rollout=policy),
    }
    for place, who in enumerate(NODES):
        records[KEYS.member(who.node_id)] = Member(who.node_id, who.role, who.url, "2026-01-01T00:00:00Z")
        phase = Phase.RESTART_PENDING if loaded[place] < 2 else Phase.RUNNING
        if place not in absent:
            records[KEYS.report(who.node_id)] = report(
                who, phase, loaded=loaded[place], healthy=healthy[place]
            )
    walk = Walk(network(records))
    for act, place in acts:
        walk.happen(act, place)
    _ends(walk)


def _ends(walk: Walk) -> None:
    """Without further failures a rollout ends, or it is halted for a reason."""
    for _ in range(200):
        if not _late(walk.network):
            return
        for place in range(len(NODES)):
            for act in ("act", "come up"):
                walk.happen(act, place)
            for _ in range(50):
                if not walk.lead():
                    break
    found, block = walk.network, walk.network.rollout.block
    assert block, (found.rollout.grants, _late(found))
    assert block.kind is BlockKind.HALTED
    assert block.reason


def _late(found: Network) -> list[NodeID]:
    """The nodes that are not healthy on the newest list."""
    newest = found.canonical
    assert newest
    return [
        who.node_id
        for who in NODES
        if who.url in newest.servers
        and (not _serves(found, who.node_id) or found.reports[who.node_id].loaded_version < newest.version)
    ]
