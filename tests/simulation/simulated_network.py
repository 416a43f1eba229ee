"""A simulated network, and the operations on it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from sidecar.domain.identity import Identity, Role
from sidecar.domain.records.encoding import Record, encode
from sidecar.domain.records.policy import Policy
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.store import NO_LEASE, Put, Transaction
from sidecar.domain.servers import NodeID, ServerList
from tests.builders import KEYS, document, server, servers
from tests.fakes.memory_node import with_other_servers
from tests.simulation.event_log import EventLog
from tests.simulation.nodes import SimSidecar, build
from tests.simulation.ports import SimFile, SimStore
from tests.simulation.process_auditor import ProcessAuditor
from tests.simulation.processes import SimProcess, StartOutcome
from tests.simulation.schedule import Schedule
from tests.simulation.transaction_auditor import AuditedCluster

FIRST_PORT = 9000
UNLISTED_PORT = 9999


@dataclass(slots=True)
class SimulatedNetwork:
    """The nodes, their etcd, and the auditors of both."""

    schedule: Schedule
    event_log: EventLog
    tasks: TaskGroup
    dice: random.Random
    sidecars: dict[NodeID, SimSidecar] = field(default_factory=dict)
    process_auditor: ProcessAuditor = field(init=False)
    cluster: AuditedCluster = field(init=False)
    poison: set[NodeID] = field(default_factory=set)
    fragile: dict[NodeID, StartOutcome] = field(default_factory=dict)
    """The nodes that start only on lists of earlier starts, and the outcome on any other list."""
    _asked: int = 0

    def __post_init__(self) -> None:
        self.process_auditor = ProcessAuditor(
            self.event_log, anyio.current_time, self.sidecars, self.schedule.delay
        )
        self.cluster = AuditedCluster(anyio.current_time, self.process_auditor.auditor.check)

    def add(self, identity: Identity) -> None:
        """Boot a new node, whose file names the first servers and itself."""
        ports = [FIRST_PORT + number for number in range(self.schedule.servers)]
        port = identity.url.port if identity.url else 1
        named = ports if port in ports or identity.url is None else [*ports, port]
        text = document(*named, role=identity.role, node=identity.node_id, port=port).data

        def process(file: SimFile) -> SimProcess:
            return SimProcess(
                stop_duration=self.schedule.stopping,
                boot=self.schedule.boot,
                node=identity.node_id,
                file=file,
                tasks=self.tasks,
                observer=self.process_auditor,
                outcome_of=self.outcome_of,
            )

        sidecar = build(identity, text, self.cluster, process)
        self.sidecars[identity.node_id] = sidecar
        self.boot(sidecar)

    def boot(self, sidecar: SimSidecar) -> None:
        """Start its sidecar again."""
        sidecar.store = SimStore(self.cluster, delay=self._delay, freezer=sidecar.freezer)
        sidecar.state.dead = sidecar.process.orphaned = False
        sidecar.boot(self.tasks)

    def close(self) -> None:
        """End everything; a frozen sidecar is thawed first, as it could not end."""
        for sidecar in self.sidecars.values():
            sidecar.thaw()
        self.tasks.cancel_scope.cancel()

    def outcome_of(self, node: NodeID, loads: ServerList) -> StartOutcome:
        """How a start of the process of ``node`` on that list ends."""
        if node not in self.poison and any(self.sidecars[each].identity.url in loads for each in self.poison):
            return StartOutcome.DIES
        if node in self.fragile and loads not in self.sidecars[node].process.starts:
            return self.fragile[node]
        return StartOutcome.COMES_UP

    def is_listed(self, node: NodeID) -> bool:
        """Whether the canonical list names that server."""
        canonical, sidecar = self.process_auditor.auditor.records.canonical, self.sidecars[node]
        return canonical is not None and sidecar.identity.url in canonical.servers

    def leader(self) -> SimSidecar | None:
        """The leader, if its sidecar runs."""
        return next((each for each in self.sidecars.values() if each.is_leader and each.running), None)

    def ask(self, kind: RequestKind, subject: str = "", listed: ServerList | None = None) -> None:
        """Write an operator's request."""
        self._asked += 1
        request = Request(
            kind=kind,
            subject=subject,
            by="operator",
            at=anyio.current_time(),
            attempt="",
            servers=listed.urls if listed else (),
        )
        self.write(KEYS.request(f"op-{self._asked:03d}"), request)

    def set_policy(self, policy: Policy) -> None:
        self.write(KEYS.policy, policy)

    def write(self, key: str, record: Record) -> None:
        """Write straight into etcd."""
        self.cluster.commit(Transaction((), (Put(key, encode(record), NO_LEASE),)))

    def edit_file(self, sidecar: SimSidecar) -> None:
        """Put another list into the file, as a person would."""
        found = sidecar.file.document
        sidecar.file.edit(with_other_servers(found, servers(FIRST_PORT, UNLISTED_PORT)))

    def _delay(self) -> float:
        return self.dice.uniform(0, self.schedule.delay) if self.schedule.delay else 0.0


def identity_of(node: NodeID) -> Identity:
    """The identity of the node with that NodeID."""
    name, _, number = node.partition("-")
    return server(int(number)) if name == "fed" else Identity(node, Role.DATABASE, None)
