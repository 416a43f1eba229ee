"""Plays one schedule: boots the network, lets things happen to it, mends everything, and waits for rest."""

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
"""Steps of tasks in one moment; fifty nodes need some thousands at the most."""
BOOT_TIMEOUT = 300.0
CONVERGENCE_TIMEOUT = 3000.0
"""Virtual seconds; a budget of restarts counts them over ten minutes."""
STABLE_PERIOD = 12.0
"""Seconds that rest has to last: more than a lease."""


@dataclass(slots=True)
class SimulationResult:
    """How a simulation went: ``took`` virtual seconds, with so many versions and restarts."""

    schedule: Schedule
    event_log: EventLog = field(default_factory=EventLog)
    took: float = 0.0
    versions: int = 0
    restarts: int = 0


def simulate(seed: int, echo: Callable[[str], object] | None = None) -> SimulationResult:
    """Play the schedule of ``seed``. Raises `InvariantViolated`, with all that it takes to see why."""
    result = SimulationResult(draw(seed), EventLog(echo=echo))
    _seed_randomness(seed)
    try:
        clock = MockClock(autojump_threshold=0)
        trio.run(_run, result, clock=clock, instruments=[_SpinDetector(clock, result.event_log)])
    except BaseExceptionGroup as group:
        result.event_log.broken.append(f"a loop ended with an error: {group!r}")
        raise InvariantViolated(_describe_failure(result)) from group
    if result.event_log.broken:
        raise InvariantViolated(_describe_failure(result))
    return result


def _seed_randomness(seed: int) -> None:
    """The jitter of the code's pauses, and the order in which trio's tasks run, follow from the seed as well.

    trio draws that order on purpose; pytest-trio has Hypothesis replay a test by the same two lines.
    """
    random.seed(seed)
    vars(trio._core._run)["_ALLOW_DETERMINISTIC_SCHEDULING"] = True
    trio._core._run._r.seed(seed)


@dataclass(slots=True, eq=False)
class _SpinDetector(trio.abc.Instrument):
    """Ends a simulation whose tasks run and run while no time passes: a loop that spins."""

    clock: MockClock
    event_log: EventLog
    moment: float = -1.0
    steps: int = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        now = self.clock.current_time()
        self.steps = self.steps + 1 if now == self.moment else 0
        self.moment = now
        if self.steps == MAX_STEPS_PER_MOMENT:
            self.event_log.violated(f"time stands still while {task.name} spins")


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
        await _wait_for_convergence(network, BOOT_TIMEOUT, stays=1.0)
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
    """Whatever was done to the network is undone, but for what was to stay."""
    network.event_log.record(
        "* everything is mended"
        + (f", but {network.schedule.unrecoverable}" * bool(network.schedule.unrecoverable))
    )
    network.fragile = {
        node: fate for node, fate in network.fragile.items() if node == network.schedule.unrecoverable
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
    network: SimulatedNetwork, within: float, stays: float = STABLE_PERIOD
) -> None:
    """Wait until the network is at rest, and stays so."""
    ends, rests_since = anyio.current_time() + within, None
    while rests_since is None or anyio.current_time() < rests_since + stays:
        why = why_not_converged(network)
        if why:
            rests_since = None
            if anyio.current_time() > ends:
                network.event_log.violated(f"no rest within {within:g} s: {why}")
        elif rests_since is None:
            rests_since = anyio.current_time()
        await anyio.sleep(1.0)


def _describe_failure(result: SimulationResult) -> str:
    """Everything that is needed to see what went wrong."""
    schedule = result.schedule
    lines = [
        f"seed {schedule.seed}: {'; '.join(result.event_log.broken)}",
        f"{schedule.servers} servers, {schedule.databases} database nodes, {schedule.policy.rollout}",
        "the last events, in virtual seconds:",
        *result.event_log.lines,
        f"play it again, from the beginning: make simulate SEED={schedule.seed}",
    ]
    return "\n".join(lines)
