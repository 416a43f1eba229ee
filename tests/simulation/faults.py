"""Each `schedule.Kind`, applied to a `SimulatedNetwork`."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from sidecar.domain.records.requests import RequestKind
from sidecar.domain.servers import NodeID
from tests.simulation.nodes import SimSidecar
from tests.simulation.processes import StartOutcome
from tests.simulation.schedule import LEADER, Event, Kind
from tests.simulation.simulated_network import SimulatedNetwork, identity_of


async def apply_event(network: SimulatedNetwork, event: Event) -> None:
    """Apply ``event`` now, if its node exists."""
    network.event_log.record(f"* {event}")
    if event.kind in _NETWORK_EVENTS:
        _NETWORK_EVENTS[event.kind](network, event)
        return
    found = network.leader() if event.node == LEADER else network.sidecars.get(NodeID(event.node))
    if found is not None:
        await _NODE_EVENTS[event.kind](network, found, event.value)


def _join(network: SimulatedNetwork, event: Event) -> None:
    network.add(identity_of(NodeID(event.node)))


def _poison(network: SimulatedNetwork, event: Event) -> None:
    network.poison.add(NodeID(event.node))
    _join(network, event)


def _ask(kind: RequestKind) -> Callable[[SimulatedNetwork, Event], None]:
    return lambda network, event: network.ask(kind, event.node)


def _roll_back(network: SimulatedNetwork, event: Event) -> None:
    lists = network.process_auditor.auditor.lists
    version = int(event.value * len(lists))
    if lists:
        network.ask(RequestKind.ROLLBACK, str(version + 1), lists[version])


def _policy(network: SimulatedNetwork, event: Event) -> None:
    assert event.policy
    network.set_policy(event.policy)


_NETWORK_EVENTS: dict[Kind, Callable[[SimulatedNetwork, Event], None]] = {
    Kind.JOIN: _join,
    Kind.JOIN_POISONOUS: _poison,
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


def _later(network: SimulatedNetwork, seconds: float, then: Callable[[], object]) -> None:
    async def wait() -> None:
        await anyio.sleep(seconds)
        then()

    network.tasks.start_soon(wait)


async def _crash(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    node.process.crash()


async def _kill(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    if node.running:
        node.kill()
        _restart_later(network, node, value)


async def _stop(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    if node.running:
        node.shutdown.request_stop()
        _restart_later(network, node, value)


def _restart_later(network: SimulatedNetwork, node: SimSidecar, seconds: float) -> None:
    executions = node.executions

    async def wait() -> None:
        await anyio.sleep(seconds)
        while node.running:  # noqa: ASYNC110 - its end may take a while; the clock is virtual
            await anyio.sleep(0.5)
        if node.executions == executions:
            network.event_log.record(f"{node.node}'s sidecar starts")
            network.boot(node)

    network.tasks.start_soon(wait)


async def _freeze(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    if node.running:
        node.freeze()
        _later(network, value, node.thaw)


async def _cut_off(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    node.store.disconnect()
    _later(network, value, node.store.reconnect)


async def _half_open(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    if not node.freezer.frozen:
        node.silence_watches()
        _later(network, value, node.restore_watches)


async def _lose_answers(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    node.store.lose_answers(1 + int(value * 3))


async def _become_unhealthy(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    node.process.set_health(healthy=False)
    _later(network, value, lambda: node.process.set_health(healthy=True))


async def _slow_down(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    node.process.boot = value


async def _edit_file(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    network.edit_file(node)


async def _break_process(network: SimulatedNetwork, node: SimSidecar, value: float) -> None:
    network.fragile[node.node] = StartOutcome.DIES if value < 0.6 else StartOutcome.HANGS


_NODE_EVENTS = {
    Kind.CRASH: _crash,
    Kind.KILL: _kill,
    Kind.STOP: _stop,
    Kind.FREEZE: _freeze,
    Kind.PARTITION: _cut_off,
    Kind.HALF_OPEN: _half_open,
    Kind.LOSE_ANSWERS: _lose_answers,
    Kind.BECOME_UNHEALTHY: _become_unhealthy,
    Kind.SLOW_DOWN: _slow_down,
    Kind.EDIT_FILE: _edit_file,
    Kind.BREAK: _break_process,
}
