"""Looks at every node again and again, in a thread of its own, for the live part of the screen alone.

Checks never use what it saw: they look for themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sidecar_demo.node import Node
from sidecar_demo.observing import Seen

PAUSE = 0.25


@dataclass(frozen=True, slots=True)
class Sight:
    """One node at one moment. ``seen`` is None while its sidecar is down; so is ``pid`` of its process."""

    name: str
    role: str
    seen: Seen | None
    pid: int | None
    starts: int
    servers: tuple[str, ...]


class Watcher:
    """Keeps the latest `Sight` of each node."""

    def __init__(self, nodes: Callable[[], Sequence[Node]]) -> None:
        self._nodes = nodes
        self._sights: tuple[Sight, ...] = ()
        self._over = threading.Event()

    def latest(self) -> tuple[Sight, ...]:
        return self._sights

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        while not self._over.wait(PAUSE):
            self._sights = tuple(look(node) for node in self._nodes())


def look(node: Node) -> Sight:
    """Look at ``node`` now."""
    return Sight(
        name=node.name,
        role=node.role.value,
        seen=node.sidecar(),
        pid=node.process(),
        starts=len(node.lives()),
        servers=node.servers(),
    )
