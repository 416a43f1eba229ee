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
from bench.testbed import Testbed
from sidecar.adapters.etcd import EtcdSettings, EtcdStore
from sidecar.agent.agent import run
from sidecar.agent.board import Board
from sidecar.agent.dependencies import Dependencies
from sidecar.agent.reporting.instance import Instance
from sidecar.agent.shutdown import Shutdown
from sidecar.agent.watch_file import join_attempt_id
from sidecar.domain.identity import Identity
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.node.view import FileView, ProcessView, View
from sidecar.domain.records.keys import Range
from sidecar.domain.records.report import Phase
from sidecar.domain.records.store import Batch, Delete, Listing, Revision, Transaction
from tests.builders import KEYS, document, server
from tests.fakes.memory_node import MemoryFile, MemoryProbe, MemoryProcess, MemoryState, accept_newcomer

PORTS = (9000, 9001, 9002)
START_DELAY = 2.0
"""Seconds that each process takes to be healthy."""

LEASE_TTL = 60.0
STORM_TIMEOUT = 300.0
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


def measure(testbed: Testbed) -> Iterator[Figure]:
    """The figures of each size; their floor is what a single join came to."""
    sizes = (1, 10, 30) if testbed.quick else (1, 10, 100, 300)
    logging.getLogger("sidecar").addHandler(logging.NullHandler())  # they run in this process
    try:
        storms = [anyio.run(_storm, testbed.etcd.url, size) for size in sizes]
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
    async with EtcdStore(EtcdSettings((url,))) as observer:
        await observer.commit(Transaction((), (Delete(KEYS.root, Range.prefix(KEYS.root).end),)))
        async with CountingStore(EtcdSettings((url,))) as store, anyio.create_task_group() as tasks:
            initial_nodes = [MemoryNode(store, number, PORTS) for number in (1, 2, 3)]
            for node in initial_nodes:
                tasks.start_soon(node.run_until_cancelled)
            before = await _all_in_step(observer, len(PORTS))
            requests, began = store.requests, anyio.current_time()
            with _joining_newcomers(url, newcomers) as asked:
                after = await _all_in_step(observer, len(PORTS) + newcomers)
                seconds = anyio.current_time() - began
                requests = store.requests - requests + await anyio.to_thread.run_sync(asked)
            tasks.cancel_scope.cancel()
    restarts = max(len(node.process.starts) for node in initial_nodes) - 1
    return Storm(newcomers, after - before, restarts, requests, seconds)


@contextmanager
def _joining_newcomers(url: str, count: int) -> Iterator[Callable[[], int]]:
    """Let so many newcomers come, in a process of their own; yields how to learn what they asked of etcd."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run_newcomers, args=(url, count, there))
    process.start()
    try:

        def asked() -> int:
            here.send("how many?")
            return int(here.recv())

        yield asked
    finally:
        process.terminate()
        process.join()


def _run_newcomers(url: str, count: int, parent: Connection) -> None:
    anyio.run(_run_nodes, url, count, parent)


async def _run_nodes(url: str, count: int, parent: Connection) -> None:
    async with CountingStore(EtcdSettings((url,))) as store, anyio.create_task_group() as tasks:
        for number in range(10, 10 + count):
            tasks.start_soon(MemoryNode(store, number, (PORTS[0], 9000 + number)).run_until_cancelled)
        await anyio.wait_readable(parent)
        parent.send(store.requests)
        await anyio.sleep_forever()


@dataclass(slots=True)
class MemoryNode:
    """A federated server whose file names ``ports``; its own is the last of them, or by its number."""

    store: CountingStore
    number: int
    ports: tuple[int, ...]
    process: MemoryProcess = field(default_factory=MemoryProcess)

    @property
    def identity(self) -> Identity:
        return server(self.number, self.ports[-1] if self.number > len(PORTS) else None)

    async def run_until_cancelled(self) -> None:
        identity = self.identity
        file = MemoryFile(
            document(*self.ports, node=identity.node_id, port=identity.url.port if identity.url else 1).data
        )
        found = await file.read()
        board = Board(
            View(
                identity,
                file=FileView(found, attempt=join_attempt_id(found, identity.node_id)),
                process=ProcessView(self.process.state),
            )
        )
        probe = MemoryProbe(self.process, START_DELAY)
        await run(
            Dependencies(self.store, file, MemoryState(), self.process, probe, accept_newcomer, time.time),
            board=board,
            keys=KEYS,
            instance=Instance(identity, identity.node_id, "bench", "0"),
            lease_ttl=LEASE_TTL,
            alongside=anyio.sleep_forever,
            shutdown=Shutdown(board),
        )


async def _all_in_step(store: EtcdStore, count: int) -> int:
    """Wait until so many servers report that they run, healthy, on a list of all; its version."""
    deadline = anyio.current_time() + STORM_TIMEOUT
    # No single event shows that all of hundreds of nodes are there.
    while True:
        network = read_network(KEYS, await store.read(*KEYS.ranges_of_leader()))
        late = list(_missing(network, count))
        if not late and network.canonical:
            return network.canonical.version
        if anyio.current_time() > deadline:
            raise RuntimeError(f"not in step within {STORM_TIMEOUT:g} s: {', '.join(late[:10])}")
        await anyio.sleep(0.1)


def _missing(network: Network, count: int) -> Iterator[str]:
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
