"""Storms of joins: N newcomers come at once to three servers. How many versions, restarts, requests, seconds?

The loops and the etcd are the real ones; files, processes and probes are those of the tests, in memory. The
standing servers run in one process and the newcomers in another: three hundred processes would measure the
machine, and a leader that shares its loop with all who want something of it is none. So the seconds are those
of one core that does the work of all newcomers.
"""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import anyio

from bench.figures import Figure, Samples
from bench.ground import Ground
from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.agent.agent import Self, run
from sidecar.agent.board import Board
from sidecar.agent.dependencies import World
from sidecar.agent.shutdown import Ending
from sidecar.agent.watch_file import attempt_of
from sidecar.domain.identity import Identity
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.node.view import View
from sidecar.domain.records.keys import Range
from sidecar.domain.records.report import Phase
from sidecar.domain.records.store import Batch, Delete, Listing, Revision, Transaction
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
    logging.getLogger("sidecar").addHandler(logging.NullHandler())  # they run in this process
    try:
        storms = [anyio.run(_storm, ground.etcd.url, size) for size in sizes]
    except* RuntimeError as late:
        raise RuntimeError("; ".join(map(str, late.exceptions))) from late
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
    async with EtcdStore(EtcdSettings((url,))) as onlooker:
        await onlooker.commit(Transaction((), (Delete(KEYS.root, Range.prefix(KEYS.root).end),)))
        async with CountingStore(EtcdSettings((url,))) as store, anyio.create_task_group() as tasks:
            founders = [Node(store, number, PORTS) for number in (1, 2, 3)]
            for node in founders:
                tasks.start_soon(node.live)
            before = await _all_in_step(onlooker, len(PORTS))
            requests, began = store.requests, anyio.current_time()
            with _coming(url, newcomers) as asked:
                after = await _all_in_step(onlooker, len(PORTS) + newcomers)
                seconds = anyio.current_time() - began
                requests = store.requests - requests + await anyio.to_thread.run_sync(asked)
            tasks.cancel_scope.cancel()
    restarts = max(len(node.process.starts) for node in founders) - 1
    return Storm(newcomers, after - before, restarts, requests, seconds)


@contextmanager
def _coming(url: str, count: int) -> Iterator[Callable[[], int]]:
    """Let so many newcomers come, in a process of their own; yields how to learn what they asked of etcd."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_come, args=(url, count, there))
    process.start()
    try:

        def asked() -> int:
            here.send("how many?")
            return int(here.recv())

        yield asked
    finally:
        process.terminate()
        process.join()


def _come(url: str, count: int, parent: Connection) -> None:
    anyio.run(_live_all, url, count, parent)


async def _live_all(url: str, count: int, parent: Connection) -> None:
    async with CountingStore(EtcdSettings((url,))) as store, anyio.create_task_group() as tasks:
        for number in range(10, 10 + count):
            tasks.start_soon(Node(store, number, (PORTS[0], 9000 + number)).live)
        await anyio.wait_readable(parent)
        parent.send(store.requests)
        await anyio.sleep_forever()


@dataclass(slots=True)
class Node:
    """A federated server whose file names ``ports``; its own is the last of them, or by its number."""

    store: CountingStore
    number: int
    ports: tuple[int, ...]
    process: MemoryProcess = field(default_factory=MemoryProcess)

    @property
    def who(self) -> Identity:
        return server(self.number, self.ports[-1] if self.number > len(PORTS) else None)

    async def live(self) -> None:
        who = self.who
        file = MemoryFile(document(*self.ports, node=who.node_id, port=who.url.port if who.url else 1).data)
        found = await file.read()
        board = Board(
            View(who, file=found, process=self.process.state, attempt=attempt_of(found, who.node_id))
        )
        probe = MemoryProbe(self.process, BOOT)
        await run(
            World(self.store, file, MemoryState(), self.process, probe, welcome, time.time),
            board=board,
            keys=KEYS,
            me=Self(who.node_id, "bench", "0"),
            lease_ttl=TTL,
            beside=anyio.sleep_forever,
            ending=Ending(board),
        )


async def _all_in_step(store: EtcdStore, count: int) -> int:
    """Wait until so many servers report that they run, healthy, on a list of all; its version."""
    deadline = anyio.current_time() + PATIENCE
    # No one event tells that all of hundreds of nodes are there.
    while True:
        network = read_network(KEYS, await store.read(*KEYS.of_leader()))
        late = list(_late(network, count))
        if not late and network.canonical:
            return network.canonical.version
        if anyio.current_time() > deadline:
            raise RuntimeError(f"not in step within {PATIENCE:g} s: {', '.join(late[:10])}")
        await anyio.sleep(0.1)


def _late(network: Network, count: int) -> Iterator[str]:
    """What is still to come until so many servers run on one list."""
    canonical = network.canonical
    if canonical is None or len(canonical.servers) < count:
        yield "the list is not whole"
        return
    if len(network.reports) < count:
        yield f"{len(network.reports)} of {count} report"
    for node, report in network.reports.items():
        stands = (report.phase, report.healthy, report.loaded_version)
        if stands != (Phase.RUNNING, True, canonical.version):
            yield f"{node}: {report.reason}"
