"""One federated server in a harness: the sidecar's real loops, over an etcd in memory, on the real clock."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio
from anyio.abc import TaskGroup

from sidecar.adapters.files.config_file import LocalFile
from sidecar.adapters.files.state_folder import LocalStateFolder
from sidecar.agent.agent import run
from sidecar.agent.board import Board
from sidecar.agent.dependencies import Dependencies
from sidecar.agent.instance import Instance
from sidecar.agent.shutdown import Shutdown
from sidecar.agent.watch_file import join_attempt_id
from sidecar.domain.documents.document import Document
from sidecar.domain.identity import Identity, Role
from sidecar.domain.node.process import StartupTimeout
from sidecar.domain.node.view import View
from sidecar.domain.records.canonical import Canonical, VersionedServers
from sidecar.domain.records.encoding import R, decode, encode
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.store import NO_LEASE, LeaseID, Put, Transaction
from sidecar.domain.servers import NodeID, ServerList
from tests.builders import KEYS, servers, url
from tests.contracts.restart.harness import Harness
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.memory_node import accept_newcomer
from tests.fakes.memory_store import MemoryStore

TTL = 10.0
DEADLINE = 90.0
"""Seconds. Far more than anything here takes: on a busy machine a test is slow, not wrong."""

LONG_STARTUP_TIMEOUT = 30.0
"""Seconds that a process may take to come up where a test is not about that."""

NODE = NodeID("fed-1")
_REPORT = KEYS.report(NODE)


@dataclass(slots=True)
class Node:
    """The node, over any number of its sidecar's lives. ``reports`` is all that it ever told the network."""

    harness: Harness
    cluster: MemoryCluster
    tasks: TaskGroup
    startup_timeout: float
    reports: list[Report] = field(default_factory=list)
    board: Board = field(init=False)
    ending: Shutdown = field(init=False)
    sidecar_runs: bool = False
    _executions: int = 0
    _lease: LeaseID | None = None

    # The sidecar.

    async def boot(self) -> None:
        """Begin a life of the sidecar."""
        await self.tasks.start(self._run_sidecar)

    async def stop(self) -> None:
        """End the sidecar for good, as SIGTERM does."""
        self.ending.request_stop()
        await self.until(lambda: not self.sidecar_runs, "the sidecar has ended")
        self._lease = None

    async def reexec(self) -> None:
        """Have the sidecar executed anew, as `sidecar reload` does."""
        self.ending.request_reexec()
        await self.until(lambda: not self.sidecar_runs, "the sidecar has ended")
        await self.boot()

    async def _run_sidecar(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        harness = self.harness
        file, state = (
            LocalFile(harness.file, Role.FEDERATED),
            LocalStateFolder(harness.state, harness.file.name),
        )
        found, known = await file.read(), await state.load_last_known_good()
        self._executions += 1
        instance = f"life-{self._executions}"
        view = View(
            Identity(NODE, Role.FEDERATED, url(harness.port)),
            sidecar_started_at=anyio.current_time(),
            startup_timeout=StartupTimeout(self.startup_timeout),
            file=found,
            last_known_good=VersionedServers(*known) if known else None,
            attempt=join_attempt_id(found, instance),
        )
        self.board, self.sidecar_runs = Board(view, phase_since=time.time()), True
        self.ending = Shutdown(self.board)
        process = await harness.find_process(self.board.file_servers_at)
        self.board.update(process=process.state)
        task_status.started()
        self._lease = await run(
            Dependencies(
                MemoryStore(self.cluster),
                file,
                state,
                process,
                harness.probe(process),
                accept_newcomer,
                time.time,
            ),
            board=self.board,
            keys=KEYS,
            instance=Instance(view.identity, instance, "here", "0"),
            lease=self._lease,
            lease_ttl=TTL,
            alongside=anyio.sleep_forever,
            shutdown=self.ending,
        )
        self.sidecar_runs = False

    # The network.

    def change(self, *others: int) -> ServerList:
        """Somebody writes the next canonical list into etcd: this server and those at ``others``."""
        before = self._read(Canonical, KEYS.canonical)
        assert before is not None
        now = servers(self.harness.port, *others)
        after = replace(before, servers=now, version=before.version + 1)
        self.cluster.commit(Transaction((), (Put(KEYS.canonical, encode(after), NO_LEASE),)))
        return now

    async def in_step(self, expected: ServerList) -> None:
        """Wait until the node reports that it runs, healthy, on ``expected``; and look whether it does."""

        def reported() -> bool:
            canonical, report = self._read(Canonical, KEYS.canonical), self._read(Report, _REPORT)
            return (
                canonical is not None
                and report is not None
                and canonical.servers == expected
                and report.loaded_version == report.written_version == canonical.version
                and report.healthy
                and report.phase is Phase.RUNNING
            )

        await self.until(reported, f"reported to run on {expected}")
        assert self.harness.starts[-1:] == [expected], self.describe()
        document = Document.parse(self.harness.file.read_bytes(), source="the file", role=Role.FEDERATED)
        assert document.servers == expected, self.describe()
        assert self.harness.runs(), self.describe()

    async def wait_for_trouble(self, words: str, *, after: int) -> Report:
        """Wait for a report, past the first ``after``, of a trouble that matches the regex ``words``."""
        pattern = re.compile(words, re.IGNORECASE)

        def told() -> list[Report]:
            later = self.reports[after:]
            return [report for report in later if not report.healthy and pattern.search(report.reason)]

        await self.until(lambda: bool(told()), f"reported: {words}")
        report = told()[0]
        assert report.phase is not Phase.RUNNING, self.describe()
        assert 0 < report.since <= time.time(), self.describe()
        return report

    @property
    def attempts(self) -> int:
        """How often this life of the sidecar is done with trying to start or restart the process."""
        return self.board.counters.starts + self.board.counters.restarts

    async def wait_for_attempts(self, times: int = 2) -> None:
        """Wait until that many more attempts are over."""
        before = self.attempts
        await self.until(lambda: self.attempts >= before + times, f"tried {times} times more")

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until ``condition()``; fail past the deadline with all there is to know."""
        with anyio.move_on_after(DEADLINE):
            while not condition():  # noqa: ASYNC110 - what other processes do sets no event
                await anyio.sleep(0.01)
            return
        raise AssertionError(f"not within {DEADLINE:g} s: {what}\n{self.describe()}")

    def describe(self) -> str:
        """What a person needs to see when a test failed."""
        told = [f"  {r.phase} healthy={r.healthy} v{r.loaded_version}: {r.reason}" for r in self.reports]
        lived = [
            f"  {event.at:.2f} {event.event} pid {event.pid} {event.more}" for event in self.harness.journal()
        ]
        now = [f"decision: {self.board.decision}", f"process: {self.board.view.process}"]
        return "\n".join(["reports:", *told, "journal:", *lived, *now])

    def _read(self, cls: type[R], key: str) -> R | None:
        entry = self.cluster.list(KEYS.ranges_of_leader()).entries.get(key)
        return decode(cls, entry.value, key) if entry else None

    async def record_reports(self) -> None:
        """Keep every report."""
        store = MemoryStore(self.cluster)
        listing = await store.read(*KEYS.ranges_of_leader())
        async with store.watch(*KEYS.ranges_of_leader(), after=listing.revision) as batches:
            async for batch in batches:
                entry = batch.changes.get(_REPORT)
                if entry is not None:
                    self.reports.append(decode(Report, entry.value, _REPORT))


@asynccontextmanager
async def booted_node(
    harness: Harness, *, startup_timeout: float = LONG_STARTUP_TIMEOUT
) -> AsyncIterator[Node]:
    """A node whose process is launched and whose sidecar has booted; both end with the scope."""
    async with anyio.create_task_group() as tasks:
        node = Node(harness, MemoryCluster(anyio.current_time), tasks, startup_timeout)
        tasks.start_soon(node.record_reports)
        harness.launch()
        await node.boot()
        yield node
        if node.sidecar_runs:
            await node.stop()
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def running_node(
    harness: Harness, *, startup_timeout: float = LONG_STARTUP_TIMEOUT
) -> AsyncIterator[Node]:
    """A node that is in step on its first list; from its process's next start on that behaves as usual."""
    async with booted_node(harness, startup_timeout=startup_timeout) as node:
        await node.in_step(harness.first)
        harness.behave()
        yield node
