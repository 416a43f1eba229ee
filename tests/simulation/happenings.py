"""Each `schedule.Kind`, as something that is done to a `stage.Stage`."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from sidecar.domain.records.membership import RequestKind
from sidecar.domain.servers import NodeID
from tests.simulation.nodes import Fate, SimSidecar
from tests.simulation.schedule import LEADER, Event, Kind
from tests.simulation.stage import Stage, identity_of


async def happen(stage: Stage, event: Event) -> None:
    """Let ``event`` happen now, where there is somebody to whom it can."""
    stage.ledger.note(f"* {event}")
    if event.kind in _NETWORK:
        _NETWORK[event.kind](stage, event)
        return
    found = stage.leader() if event.node == LEADER else stage.sidecars.get(NodeID(event.node))
    if found is not None:
        await _NODE[event.kind](stage, found, event.value)


def _join(stage: Stage, event: Event) -> None:
    stage.add(identity_of(NodeID(event.node)))


def _poison(stage: Stage, event: Event) -> None:
    stage.poison.add(NodeID(event.node))
    _join(stage, event)


def _ask(kind: RequestKind) -> Callable[[Stage, Event], None]:
    return lambda stage, event: stage.ask(kind, event.node)


def _roll_back(stage: Stage, event: Event) -> None:
    lists = stage.overseer.auditor.lists
    version = int(event.value * len(lists))
    if lists:
        stage.ask(RequestKind.ROLLBACK, str(version + 1), lists[version])


def _policy(stage: Stage, event: Event) -> None:
    assert event.policy
    stage.set_policy(event.policy)


_NETWORK: dict[Kind, Callable[[Stage, Event], None]] = {
    Kind.JOIN: _join,
    Kind.POISON: _poison,
    Kind.REMOVE: _ask(RequestKind.REMOVE),
    Kind.READMIT: _ask(RequestKind.READMIT),
    Kind.PAUSE: _ask(RequestKind.PAUSE),
    Kind.RESUME: _ask(RequestKind.RESUME),
    Kind.SKIP: _ask(RequestKind.SKIP),
    Kind.RETRY: _ask(RequestKind.RETRY),
    Kind.PAUSE_ALL: _ask(RequestKind.PAUSE),
    Kind.RESUME_ALL: _ask(RequestKind.RESUME),
    Kind.ROLLBACK: _roll_back,
    Kind.POLICY: _policy,
}


def _later(stage: Stage, seconds: float, then: Callable[[], object]) -> None:
    async def wait() -> None:
        await anyio.sleep(seconds)
        then()

    stage.tasks.start_soon(wait)


async def _crash(stage: Stage, node: SimSidecar, value: float) -> None:
    node.process.crash()


async def _kill(stage: Stage, node: SimSidecar, value: float) -> None:
    if node.alive:
        node.kill()
        _revive(stage, node, value)


async def _stop(stage: Stage, node: SimSidecar, value: float) -> None:
    if node.alive:
        node.ending.stop()
        _revive(stage, node, value)


def _revive(stage: Stage, node: SimSidecar, seconds: float) -> None:
    lives = node.lives

    async def wait() -> None:
        await anyio.sleep(seconds)
        while node.alive:  # noqa: ASYNC110 - it may take its time to end; the clock is virtual
            await anyio.sleep(0.5)
        if node.lives == lives:
            stage.ledger.note(f"{node.node}'s sidecar starts")
            stage.boot(node)

    stage.tasks.start_soon(wait)


async def _freeze(stage: Stage, node: SimSidecar, value: float) -> None:
    if node.alive:
        node.freeze()
        _later(stage, value, node.thaw)


async def _cut_off(stage: Stage, node: SimSidecar, value: float) -> None:
    node.store.disconnect()
    _later(stage, value, node.store.reconnect)


async def _half_open(stage: Stage, node: SimSidecar, value: float) -> None:
    if not node.frost.frozen:
        node.deafen()
        _later(stage, value, node.hear_again)


async def _lose_answers(stage: Stage, node: SimSidecar, value: float) -> None:
    node.store.lose_answers(1 + int(value * 3))


async def _sicken(stage: Stage, node: SimSidecar, value: float) -> None:
    node.process.sicken(well=False)
    _later(stage, value, lambda: node.process.sicken(well=True))


async def _slow_down(stage: Stage, node: SimSidecar, value: float) -> None:
    node.process.boot = value


async def _forge(stage: Stage, node: SimSidecar, value: float) -> None:
    stage.forge(node)


async def _break(stage: Stage, node: SimSidecar, value: float) -> None:
    stage.fragile[node.node] = Fate.DIES if value < 0.6 else Fate.HANGS


_NODE = {
    Kind.CRASH: _crash,
    Kind.KILL: _kill,
    Kind.STOP: _stop,
    Kind.FREEZE: _freeze,
    Kind.PARTITION: _cut_off,
    Kind.HALF_OPEN: _half_open,
    Kind.LOSE_ANSWERS: _lose_answers,
    Kind.SICKEN: _sicken,
    Kind.SLOW_DOWN: _slow_down,
    Kind.FORGE: _forge,
    Kind.BREAK: _break,
}
