"""Plays one schedule: boots the network, lets things happen to it, mends everything, and waits for rest."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import trio
from trio.testing import MockClock

from sidecar.domain.records.membership import RequestKind
from sidecar.domain.servers import NodeID
from tests.simulation.happenings import happen
from tests.simulation.ledger import Broken, Ledger
from tests.simulation.nodes import SimSidecar
from tests.simulation.rest import unrest
from tests.simulation.schedule import Kind, Schedule, draw
from tests.simulation.stage import Stage, identity_of

SPINS = 100_000
"""Steps of tasks in one moment; fifty nodes need some thousands at the most."""
BOOTS_WITHIN = 300.0
RESTS_WITHIN = 3000.0
"""Virtual seconds; a budget of restarts counts them over ten minutes."""
STAYS = 12.0
"""Seconds that rest has to last: more than a lease."""


@dataclass(slots=True)
class Played:
    """How a simulation went: ``took`` virtual seconds, with so many versions and restarts."""

    schedule: Schedule
    ledger: Ledger = field(default_factory=Ledger)
    took: float = 0.0
    versions: int = 0
    restarts: int = 0


def simulate(seed: int, echo: Callable[[str], object] | None = None) -> Played:
    """Play the schedule of ``seed``. Raises `Broken`, with all that it takes to see why."""
    played = Played(draw(seed), Ledger(echo=echo))
    _draw_all_from(seed)
    try:
        clock = MockClock(autojump_threshold=0)
        trio.run(_play, played, clock=clock, instruments=[_Standstill(clock, played.ledger)])
    except BaseExceptionGroup as group:
        played.ledger.broken.append(f"a loop ended with an error: {group!r}")
        raise Broken(_told(played)) from group
    if played.ledger.broken:
        raise Broken(_told(played))
    return played


def _draw_all_from(seed: int) -> None:
    """The jitter of the code's pauses, and the order in which trio's tasks run, follow from the seed as well.

    trio draws that order on purpose; pytest-trio has Hypothesis replay a test by the same two lines.
    """
    random.seed(seed)
    vars(trio._core._run)["_ALLOW_DETERMINISTIC_SCHEDULING"] = True
    trio._core._run._r.seed(seed)


@dataclass(slots=True, eq=False)
class _Standstill(trio.abc.Instrument):
    """Ends a simulation whose tasks run and run while no time passes: a loop that spins."""

    clock: MockClock
    ledger: Ledger
    moment: float = -1.0
    steps: int = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        now = self.clock.current_time()
        self.steps = self.steps + 1 if now == self.moment else 0
        self.moment = now
        if self.steps == SPINS:
            self.ledger.broke(f"time stands still while {task.name} spins")


async def _play(played: Played) -> None:
    async with anyio.create_task_group() as tasks:
        schedule, ledger = played.schedule, played.ledger
        stage = Stage(schedule, ledger, tasks, random.Random(schedule.seed))
        ledger.stop = stage.close
        stage.set_policy(schedule.policy)
        for number in range(1, schedule.servers + 1):
            stage.add(identity_of(NodeID(f"fed-{number}")))
        for number in range(1, schedule.databases + 1):
            stage.add(identity_of(NodeID(f"db-{number}")))
        await _rest(stage, BOOTS_WITHIN, stays=1.0)
        began = anyio.current_time()
        for event in schedule.events:
            await anyio.sleep_until(began + event.at)
            await happen(stage, event)
        await anyio.sleep(5.0)
        await _mend(stage)
        await _rest(stage, RESTS_WITHIN)
        played.took = anyio.current_time()
        played.versions = len(stage.overseer.auditor.lists)
        played.restarts = stage.overseer.restarts
        stage.close()


async def _mend(stage: Stage) -> None:
    """Whatever was done to the network is undone, but for what was to stay."""
    stage.ledger.note(
        "* everything is mended" + (f", but {stage.schedule.doomed}" * bool(stage.schedule.doomed))
    )
    stage.fragile = {node: fate for node, fate in stage.fragile.items() if node == stage.schedule.doomed}
    for node in stage.sidecars.values():
        await _heal(stage, node)
    for skipped in sorted({e.node for e in stage.schedule.events if e.kind is Kind.SKIP and e.node}):
        stage.ask(RequestKind.RETRY, skipped)
    stage.poison = {node for node in stage.poison if stage.lists(node)}
    for poison in sorted(stage.poison):
        stage.ask(RequestKind.REMOVE, poison)
    stage.ask(RequestKind.RESUME)
    for name in sorted(stage.sidecars):
        stage.ask(RequestKind.RESUME, name)


async def _heal(stage: Stage, node: SimSidecar) -> None:
    node.thaw()
    node.store.reconnect()
    node.process.sicken(well=True)
    node.process.boot = stage.schedule.boot


async def _rest(stage: Stage, within: float, stays: float = STAYS) -> None:
    """Wait until the network is at rest, and stays so."""
    ends, rests_since = anyio.current_time() + within, None
    while rests_since is None or anyio.current_time() < rests_since + stays:
        why = unrest(stage)
        if why:
            rests_since = None
            if anyio.current_time() > ends:
                stage.ledger.broke(f"no rest within {within:g} s: {why}")
        elif rests_since is None:
            rests_since = anyio.current_time()
        await anyio.sleep(1.0)


def _told(played: Played) -> str:
    """Everything that is needed to see what went wrong."""
    schedule = played.schedule
    lines = [
        f"seed {schedule.seed}: {'; '.join(played.ledger.broken)}",
        f"{schedule.servers} servers, {schedule.databases} database nodes, {schedule.policy.rollout}",
        "the last events, in virtual seconds:",
        *played.ledger.lines,
        f"play it again, from the beginning: make simulate SEED={schedule.seed}",
    ]
    return "\n".join(lines)
