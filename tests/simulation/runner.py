"""Runs one schedule: boots the network, applies the events, repairs everything, awaits convergence."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import trio
from trio.testing import MockClock

from sidecar.domain.records.requests import RequestKind
from sidecar.domain.servers import NodeID
from tests.simulation.convergence import why_not_converged
from tests.simulation.event_log import EventLog, InvariantViolated
from tests.simulation.faults import apply_event
from tests.simulation.nodes import SimSidecar
from tests.simulation.schedule import Kind, Schedule, draw
from tests.simulation.simulated_network import SimulatedNetwork, identity_of

MAX_STEPS_PER_MOMENT = 100_000
"""Steps of tasks in one moment; fifty nodes need some thousands at most."""
BOOT_TIMEOUT = 300.0
CONVERGENCE_TIMEOUT = 3000.0
"""Virtual seconds; a budget of restarts counts them over ten minutes."""
STABLE_PERIOD = 12.0
"""Seconds that the network has to stay converged: longer than a lease."""


@dataclass(slots=True)
class SimulationResult:
    """The result of a simulation, which ``took`` that many virtual seconds."""

    schedule: Schedule
    event_log: EventLog = field(default_factory=EventLog)
    took: float = 0.0
    versions: int = 0
    restarts: int = 0


def simulate(seed: int, echo: Callable[[str], object] | None = None) -> SimulationResult:
    """Run the schedule of ``seed``. Raises `InvariantViolated`, with the last events in its message."""
    result = SimulationResult(draw(seed), EventLog(echo=echo))
    _seed_randomness(seed)
    try:
        clock = MockClock(autojump_threshold=0)
        trio.run(_run, result, clock=clock, instruments=[_SpinDetector(clock, result.event_log)])
    except BaseExceptionGroup as group:
        result.event_log.violations.append(f"a loop ended with an error: {group!r}")
        raise InvariantViolated(_describe_failure(result)) from group
    if result.event_log.violations:
        raise InvariantViolated(_describe_failure(result))
    return result


def _seed_randomness(seed: int) -> None:
    """Derive the jitter of backoffs, and the order in which trio runs its tasks, from the seed as well.

    trio randomizes that order on purpose; pytest-trio uses the same two lines to replay a test.
    """
    random.seed(seed)
    vars(trio._core._run)["_ALLOW_DETERMINISTIC_SCHEDULING"] = True
    trio._core._run._r.seed(seed)


@dataclass(slots=True, eq=False)
class _SpinDetector(trio.abc.Instrument):
    """Ends a simulation whose tasks keep running while no time passes: a loop spins."""

    clock: MockClock
    event_log: EventLog
    moment: float = -1.0
    steps: int = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        now = self.clock.current_time()
        self.steps = self.steps + 1 if now == self.moment else 0
        self.moment = now
        if self.steps == MAX_STEPS_PER_MOMENT:
            self.event_log.violated(f"no time passes while {task.name} spins")


async def _run(result: SimulationResult) -> None:
    async with anyio.create_task_group() as tasks:
        schedule, event_log = result.schedule, result.event_log
        network = SimulatedNetwork(schedule, event_log, tasks, random.Random(schedule.seed))
        event_log.stop = network.close
        network.set_policy(schedule.policy)
        for number in range(1, schedule.servers + 1):
            network.add(identity_of(NodeID(f"fed-{number}")))
        for number in range(1, schedule.databases + 1):
            network.add(identity_of(NodeID(f"db-{number}")))
        await _wait_for_convergence(network, BOOT_TIMEOUT, stable_for=1.0)
        began = anyio.current_time()
        for event in schedule.events:
            await anyio.sleep_until(began + event.at)
            await apply_event(network, event)
        await anyio.sleep(5.0)
        await _repair(network)
        await _wait_for_convergence(network, CONVERGENCE_TIMEOUT)
        result.took = anyio.current_time()
        result.versions = len(network.process_auditor.auditor.lists)
        result.restarts = network.process_auditor.restarts
        network.close()


async def _repair(network: SimulatedNetwork) -> None:
    """Undo every fault, except the one that is to stay."""
    network.event_log.record(
        "* everything is repaired"
        + (f", but {network.schedule.unrecoverable}" * bool(network.schedule.unrecoverable))
    )
    network.fragile = {
        node: outcome for node, outcome in network.fragile.items() if node == network.schedule.unrecoverable
    }
    for node in network.sidecars.values():
        await _repair_node(network, node)
    for skipped in sorted({e.node for e in network.schedule.events if e.kind is Kind.SKIP and e.node}):
        network.ask(RequestKind.RETRY, skipped)
    network.poison = {node for node in network.poison if network.is_listed(node)}
    for poison in sorted(network.poison):
        network.ask(RequestKind.REMOVE, poison)
    network.ask(RequestKind.RESUME)
    for name in sorted(network.sidecars):
        network.ask(RequestKind.RESUME, name)


async def _repair_node(network: SimulatedNetwork, node: SimSidecar) -> None:
    node.thaw()
    node.store.reconnect()
    node.process.set_health(healthy=True)
    node.process.boot = network.schedule.boot


async def _wait_for_convergence(
    network: SimulatedNetwork, within: float, stable_for: float = STABLE_PERIOD
) -> None:
    """Wait until the network has converged, and stable_for so."""
    ends, converged_since = anyio.current_time() + within, None
    while converged_since is None or anyio.current_time() < converged_since + stable_for:
        why = why_not_converged(network)
        if why:
            converged_since = None
            if anyio.current_time() > ends:
                network.event_log.violated(f"not converged within {within:g} s: {why}")
        elif converged_since is None:
            converged_since = anyio.current_time()
        await anyio.sleep(1.0)


def _describe_failure(result: SimulationResult) -> str:
    """The violated invariants, and the events before them."""
    schedule = result.schedule
    lines = [
        f"seed {schedule.seed}: {'; '.join(result.event_log.violations)}",
        f"{schedule.servers} servers, {schedule.databases} database nodes, {schedule.policy.rollout}",
        "the last events, in virtual seconds:",
        *result.event_log.lines,
        f"to run it again from the beginning: make simulate SEED={schedule.seed}",
    ]
    return "\n".join(lines)
