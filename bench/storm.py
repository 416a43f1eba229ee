"""Storms of joins: N newcomers come at once to three servers. How many versions, restarts, requests, seconds?

The loops and the etcd are the real ones; files, processes and probes are those of the tests, in memory, and
all sidecars run in this one process: three hundred processes would measure the machine. So the seconds are
those of one core that does the work of all.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from bench.figures import Figure, Samples
from bench.ground import Ground
from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.agent.agent import Self, run
from sidecar.agent.board import Board
from sidecar.agent.ending import Ending
from sidecar.agent.files import attempt_of
from sidecar.agent.world import World
from sidecar.domain.canonical import Canonical
from sidecar.domain.identity import Identity
from sidecar.domain.keys import Range
from sidecar.domain.records import decode
from sidecar.domain.report import Phase
from sidecar.domain.store import Batch, Delete, Listing, Revision, Transaction
from sidecar.domain.view import View
from tests.build import KEYS, document, server
from tests.fakes.memory_node import MemoryFile, MemoryProbe, MemoryProcess, MemoryState, welcome

PORTS = (9000, 9001, 9002)
BOOT = 2.0
"""Seconds that each process takes to be healthy."""

TTL = 60.0
PATIENCE = 300.0
"""Seconds after which a storm that is not over will not be."""


@dataclass(frozen=True, slots=True)
class Storm:
    """What ``newcomers`` joins at once came to.

    ``restarts`` are those of the standing server that had the most, ``requests`` those of all nodes,
    ``seconds`` until every process runs, healthy, on the whole list.
    """

    newcomers: int
    versions: int
    restarts: int
    requests: int
    seconds: float


class CountingStore(EtcdStore):
    """An etcd that counts what it is asked."""

    requests = 0

    async def read(self, *ranges: Range) -> Listing:
        self.requests += 1
        return await super().read(*ranges)

    async def commit(self, transaction: Transaction) -> Revision | None:
        self.requests += 1
        return await super().commit(transaction)

    @asynccontextmanager
    async def watch(self, *ranges: Range, after: Revision) -> AsyncIterator[AsyncIterator[Batch]]:
        self.requests += 1
        async with super().watch(*ranges, after=after) as batches:
            yield batches


def measure(ground: Ground) -> Iterator[Figure]:
    """The figures of each size; their floor is what a single join came to."""
    sizes = (1, 10, 30) if ground.quick else (1, 10, 100, 300)
    storms = [anyio.run(_storm, ground.etcd.url, size) for size in sizes]
    for storm in storms:
        yield from _figures(storm, storms[0])


def _figures(storm: Storm, alone: Storm) -> Iterator[Figure]:
    def figure(what: str, unit: str, read: Callable[[Storm], float], limit: float | None = None) -> Figure:
        name = f"{storm.newcomers} joins at once: {what}"
        return Figure(name, unit, Samples.of([read(storm)]), Samples.of([read(alone)]), limit)

    yield figure("canonical versions", "", lambda each: each.versions, 5)
    yield figure("restarts of a standing server", "", lambda each: each.restarts, 2)
    yield figure("requests of each node", "", lambda each: each.requests / (each.newcomers + len(PORTS)))
    yield figure("until all are in step", "s", lambda each: each.seconds)


async def _storm(url: str, newcomers: int) -> Storm:
    async with CountingStore(EtcdSettings((url,))) as store, anyio.create_task_group() as tasks:
        await store.commit(Transaction((), (Delete(KEYS.root, Range.prefix(KEYS.root).end),)))
        founders = [Node(store, number, PORTS) for number in (1, 2, 3)]
        for node in founders:
            tasks.start_soon(node.live)
        await _in_step(founders, len(PORTS))
        before, requests, began = await _version(store), store.requests, anyio.current_time()
        joining = [Node(store, number, (PORTS[0], 9000 + number)) for number in range(10, 10 + newcomers)]
        for node in joining:
            tasks.start_soon(node.live)
        await _in_step([*founders, *joining], len(PORTS) + newcomers)
        storm = Storm(
            newcomers,
            await _version(store) - before,
            max(len(node.process.starts) for node in founders) - 1,
            store.requests - requests,
            anyio.current_time() - began,
        )
        tasks.cancel_scope.cancel()
    return storm


@dataclass(slots=True)
class Node:
    """A federated server whose file names ``ports``; its own is the last of them, or by its number."""

    store: CountingStore
    number: int
    ports: tuple[int, ...]
    process: MemoryProcess = field(default_factory=MemoryProcess)
    board: Board = field(init=False)

    def __post_init__(self) -> None:
        self.board = Board(View(self.who))

    @property
    def who(self) -> Identity:
        return server(self.number, self.ports[-1] if self.number > len(PORTS) else None)

    async def live(self) -> None:
        who = self.who
        file = MemoryFile(document(*self.ports, node=who.node_id, port=who.url.port if who.url else 1).data)
        found = await file.read()
        self.board = Board(
            View(who, file=found, process=self.process.state, attempt=attempt_of(found, who.node_id))
        )
        probe = MemoryProbe(self.process, BOOT)
        await run(
            World(self.store, file, MemoryState(), self.process, probe, welcome, time.time),
            board=self.board,
            keys=KEYS,
            me=Self(who.node_id, "bench", "0"),
            lease_ttl=TTL,
            beside=anyio.sleep_forever,
            ending=Ending(self.board),
        )

    def in_step(self, length: int) -> bool:
        """Whether its process runs, healthy, on a list of that length."""
        loaded = self.process.starts[-1:]
        runs = self.board.decision.phase is Phase.RUNNING and self.board.view.healthy
        return runs and len(loaded) == 1 and len(loaded[0]) == length


async def _in_step(nodes: list[Node], length: int) -> None:
    with anyio.fail_after(PATIENCE):
        # No one event tells that all of hundreds of nodes are there.
        while not all(node.in_step(length) for node in nodes):  # noqa: ASYNC110 - as said above
            await anyio.sleep(0.05)


async def _version(store: CountingStore) -> int:
    entry = (await store.read(Range(KEYS.canonical))).entries[KEYS.canonical]
    return decode(Canonical, entry.value, entry.key).version
