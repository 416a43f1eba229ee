"""Polls every node in a thread of its own, only for the live part of the screen.

Checks never use what it saw: they look for themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sidecar_demo.node import DemoNode
from sidecar_demo.node_status import SidecarStatus

POLL_INTERVAL = 0.25


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """One node at one moment. ``status`` is None while its sidecar is down; so is ``pid`` of its process."""

    name: str
    role: str
    status: SidecarStatus | None
    pid: int | None
    starts: int
    servers: tuple[str, ...]


class NodePoller:
    """Keeps the latest `NodeSnapshot` of each node."""

    def __init__(self, nodes: Callable[[], Sequence[DemoNode]]) -> None:
        self._nodes = nodes
        self._snapshots: tuple[NodeSnapshot, ...] = ()
        self._over = threading.Event()

    def latest(self) -> tuple[NodeSnapshot, ...]:
        return self._snapshots

    @contextmanager
    def polling(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        while not self._over.wait(POLL_INTERVAL):
            self._snapshots = tuple(take_snapshot(node) for node in self._nodes())


def take_snapshot(node: DemoNode) -> NodeSnapshot:
    """The snapshot of ``node`` now."""
    return NodeSnapshot(
        name=node.name,
        role=node.role.value,
        status=node.sidecar(),
        pid=node.process(),
        starts=len(node.incarnations()),
        servers=node.servers(),
    )
