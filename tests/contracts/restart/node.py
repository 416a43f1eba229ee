"""A federated server in a harness: the sidecar's real loops, over an etcd in memory, on the real clock."""

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
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.agent.agent import run
from sidecar.agent.board import Board
from sidecar.agent.dependencies import Dependencies
from sidecar.agent.reporting.instance import Instance
from sidecar.agent.shutdown import Shutdown
from sidecar.agent.watch_file import join_attempt_id
from sidecar.domain.documents.document import Document
from sidecar.domain.identity import Identity, Role
from sidecar.domain.node.process import StartupTimeout
from sidecar.domain.node.view import FileView, NodeOptions, View
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
"""Seconds that a process may take to become healthy, in rules that are not about that."""

NODE = NodeID("fed-1")
_REPORT = KEYS.report(NODE)


@dataclass(slots=True)
class Node:
    """The node, over any number of sidecars; ``reports`` are all that they published."""

    harness: Harness
    cluster: MemoryCluster
    tasks: TaskGroup
    startup_timeout: float
    reports: list[Report] = field(default_factory=list)
    board: Board = field(init=False)
    shutdown: Shutdown = field(init=False)
    sidecar_runs: bool = False
    _executions: int = 0
    _lease: LeaseID | None = None

    # The sidecar.

    async def boot(self) -> None:
        """Start a sidecar."""
        await self.tasks.start(self._run_sidecar)

    async def stop(self) -> None:
        """Stop the sidecar, as SIGTERM does."""
        self.shutdown.request_stop()
        await self.until(lambda: not self.sidecar_runs, "the sidecar has stopped")
        self._lease = None

    async def reexec(self) -> None:
        """Re-execute the sidecar, as `sidecar reload` does."""
        self.shutdown.request_reexec()
        await self.until(lambda: not self.sidecar_runs, "the sidecar has stopped")
        await self.boot()

    async def _run_sidecar(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        harness = self.harness
        file, state = (
            LocalFile(harness.file, Role.FEDERATED),
            LocalStateFolder(harness.state, harness.file.name),
        )
        found, known = await file.read(), await state.load_last_known_good()
        self._executions += 1
        instance = f"instance-{self._executions}"
        view = View(
            Identity(NODE, Role.FEDERATED, url(harness.port)),
            sidecar_started_at=anyio.current_time(),
            options=NodeOptions(startup_timeout=StartupTimeout(self.startup_timeout)),
            file=FileView(found, attempt=join_attempt_id(found, instance)),
            last_known_good=VersionedServers(*known) if known else None,
        )
        self.board, self.sidecar_runs = Board(view, phase_since=time.time()), True
        self.shutdown = Shutdown(self.board)
        process = await harness.find_process(self.board.file_servers_at)
        restarter = process if isinstance(process, ExternalProcess) else None
        self.board.set_process(process.state)
        self.board.set_options(replace(view.options, restarts_in_place=restarter is not None))
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
                restarter=restarter,
            ),
            board=self.board,
            keys=KEYS,
            instance=Instance(view.identity, instance, "here", "0"),
            lease=self._lease,
            lease_ttl=TTL,
            alongside=anyio.sleep_forever,
            shutdown=self.shutdown,
        )
        self.sidecar_runs = False

    # The network.

    def change(self, *others: int) -> ServerList:
        """Publish the next canonical list: this server and those at ``others``."""
        before = self._read(Canonical, KEYS.canonical)
        assert before is not None
        now = servers(self.harness.port, *others)
        after = replace(before, servers=now, version=before.version + 1)
        self.cluster.commit(Transaction((), (Put(KEYS.canonical, encode(after), NO_LEASE),)))
        return now

    async def wait_in_sync(self, expected: ServerList) -> None:
        """Wait until the node reports to run, healthy, on ``expected``; and check that it does."""

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

        await self.until(reported, f"the node reports to run on {expected}")
        assert self.harness.starts[-1:] == [expected], self.describe()
        document = Document.parse(self.harness.file.read_bytes(), source="the file", role=Role.FEDERATED)
        assert document.servers == expected, self.describe()
        assert self.harness.is_running(), self.describe()

    async def wait_for_failure(self, reason: str, *, after: int) -> Report:
        """Wait for a report, past the first ``after``, with a reason that matches the regex ``reason``."""
        pattern = re.compile(reason, re.IGNORECASE)

        def matching() -> list[Report]:
            later = self.reports[after:]
            return [report for report in later if not report.healthy and pattern.search(report.reason)]

        await self.until(lambda: bool(matching()), f"the node reports: {reason}")
        report = matching()[0]
        assert report.phase is not Phase.RUNNING, self.describe()
        assert 0 < report.since <= time.time(), self.describe()
        return report

    @property
    def attempts(self) -> int:
        """How often this sidecar has tried to start or restart the process."""
        return self.board.counters.starts + self.board.counters.restarts

    async def wait_for_attempts(self, times: int = 2) -> None:
        """Wait until that many more attempts are complete."""
        before = self.attempts
        await self.until(lambda: self.attempts >= before + times, f"{times} more attempts")

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until ``condition()``; fail past the deadline with `describe`."""
        with anyio.move_on_after(DEADLINE):
            while not condition():  # noqa: ASYNC110 - what other processes do sets no event
                await anyio.sleep(0.01)
            return
        raise AssertionError(f"not within {DEADLINE:g} s: {what}\n{self.describe()}")

    def describe(self) -> str:
        """What a person needs to see when a test failed."""
        reports = [f"  {r.phase} healthy={r.healthy} v{r.loaded_version}: {r.reason}" for r in self.reports]
        events = [f"  {e.at:.2f} {e.kind} pid {e.pid} {e.details}" for e in self.harness.events()]
        now = [f"decision: {self.board.decision}", f"process: {self.board.view.process}"]
        return "\n".join(["reports:", *reports, "events:", *events, *now])

    def _read(self, cls: type[R], key: str) -> R | None:
        entry = self.cluster.list(KEYS.ranges_of_leader()).entries.get(key)
        return decode(cls, entry.value, key) if entry else None

    async def record_reports(self) -> None:
        """Record every report."""
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
    """A node whose process is launched and whose sidecar has booted; both stop with the scope."""
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
    """A node in sync on its first list, whose process behaves as usual from its next start on."""
    async with booted_node(harness, startup_timeout=startup_timeout) as node:
        await node.wait_in_sync(harness.first)
        harness.configure_app()
        yield node
