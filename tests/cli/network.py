"""A network in a store, a leader that answers, and commands that use them."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio

from sidecar.cli.main import run_command
from sidecar.cli.shared.context import CommandContext
from sidecar.config import EtcdSettings
from sidecar.domain.identity import Role
from sidecar.domain.records.canonical import Canonical, Change, ChangeKind
from sidecar.domain.records.encoding import Record, decode, encode
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.membership import Candidate, Member, Tombstone
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.records.requests import Outcome, Request
from sidecar.domain.records.store import Batch, Delete, Put, Revision, Transaction
from sidecar.domain.servers import NodeID, ServerList, ServerUrl
from sidecar.ports import Store
from tests.fakes.memory_store import MemoryStore, new_cluster

KEYS = Keys("default")
ONE, TWO, THREE = (ServerUrl.parse(f"http://localhost:900{n}") for n in range(3))


def canonical(version: int = 5, *urls: ServerUrl) -> Canonical:
    cause = (Change(ChangeKind.JOIN, NodeID("fed-3"), THREE),)
    servers = ServerList(urls or (ONE, TWO, THREE))
    return Canonical(servers, version, cause, NodeID("fed-1"), 7, "2026-05-04T10:00:00Z", ())


def report(name: str, url: ServerUrl | None, **changes: Any) -> Report:
    role = Role.FEDERATED if url else Role.DATABASE
    said = Report(
        NodeID(name), role, url, Phase.RUNNING, "in step", 1.0, True, 5, 5, "i", "h", 1, "0.1.0"
    )  # fmt: skip
    return replace(said, **changes)


def member(name: str, url: ServerUrl | None) -> Member:
    role = Role.FEDERATED if url else Role.DATABASE
    return Member(NodeID(name), role, url, "2026-05-04T10:00:00Z")


def tombstone(name: str, url: ServerUrl) -> Tombstone:
    return Tombstone(NodeID(name), url, Role.FEDERATED, "2026-05-04T11:00:00Z", "ann@host", "old [disk]")


def candidate(name: str, url: ServerUrl) -> Candidate:
    return Candidate(NodeID(name), url, "2026-05-04T09:00:00Z", "i")


USUAL: dict[str, Record] = {
    KEYS.canonical: canonical(),
    # The first written leads, whatever its key sorts as.
    KEYS.candidate(99): candidate("fed-2", TWO),
    KEYS.candidate(11): candidate("fed-1", ONE),
    KEYS.member(NodeID("fed-1")): member("fed-1", ONE),
    KEYS.member(NodeID("fed-2")): member("fed-2", TWO),
    KEYS.member(NodeID("fed-3")): member("fed-3", THREE),
    KEYS.report(NodeID("db-1")): report("db-1", None),
    KEYS.report(NodeID("fed-2")): report("fed-2", TWO),
    KEYS.report(NodeID("fed-1")): report(
        "fed-1", ONE, phase=Phase.RESTART_PENDING, reason="waits for a grant", loaded_version=4
    ),
    KEYS.tombstone("fed-9"): tombstone("fed-9", ServerUrl.parse("http://localhost:9009")),
}

Answer = Callable[[Request], Outcome]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def put(store: Store, records: Mapping[str, Record | bytes | None]) -> None:
    """Write each of ``records`` under its key, in one transaction; None deletes it."""
    operations = (
        Delete(key) if record is None else Put(key, record if isinstance(record, bytes) else encode(record))
        for key, record in records.items()
    )
    await store.commit(Transaction((), tuple(operations)))


@dataclass(slots=True)
class Shell:
    """Runs commands; ``answer`` is a leader that handles requests; None: there is no leader.

    ``records_after`` is all that stands in etcd when a command is done.
    ``scenario`` is what happens in the network meanwhile: see `put` and `wait_for_output`.
    """

    records: Mapping[str, Record | bytes] = field(default_factory=lambda: dict(USUAL))
    answer: Answer | None = None
    terminal: bool = False
    opened: list[EtcdSettings] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    open_requests: list[str] = field(default_factory=list)
    environ: Mapping[str, str] = field(default_factory=dict)
    records_after: dict[str, bytes] = field(default_factory=dict)
    wrap: Callable[[Store], Store] = lambda store: store
    scenario: Callable[[MemoryStore], Coroutine[Any, Any, None]] | None = None
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    def __call__(self, *argv: str) -> tuple[int, str, str]:
        return self.run(run_command, *argv)

    def run(
        self, command: Callable[[Sequence[str], CommandContext], int], *argv: str
    ) -> tuple[int, str, str]:
        """Run ``command``, which may be a subcommand; return its exit code and output."""
        self.out, self.err = (Terminal() if self.terminal else io.StringIO()), io.StringIO()
        environ, folder = {"USER": "ann", **self.environ}, Path("/nowhere")
        code = command(argv, CommandContext(environ, folder, self.out, self.err, self.open))
        return code, self.out.getvalue(), self.err.getvalue()

    async def wait_for_output(self, text: str) -> None:
        """Wait until the command has printed ``text``."""
        with anyio.fail_after(10):
            # A text stream has no event to wait for.
            while text not in self.out.getvalue() + self.err.getvalue():  # noqa: ASYNC110
                await anyio.sleep(0.005)

    def json(self, *argv: str) -> object:
        code, out, err = self(*argv, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    @asynccontextmanager
    async def open(self, access: EtcdSettings) -> AsyncIterator[Store]:
        self.opened.append(access)
        store = MemoryStore(new_cluster())
        for key, record in self.records.items():
            await put(store, {key: record})
        try:
            async with anyio.create_task_group() as tasks:
                if self.answer:
                    tasks.start_soon(self._run_leader, store, self.answer, (await store.read()).revision)
                if self.scenario:
                    tasks.start_soon(self.scenario, store)
                yield self.wrap(store)
                tasks.cancel_scope.cancel()
        finally:
            listing = await store.read(Range.prefix(KEYS.root))
            self.records_after = {key: entry.value for key, entry in listing.entries.items()}
            self.open_requests = [key for key in self.records_after if key.startswith(f"{KEYS.root}request/")]

    async def _run_leader(self, store: Store, answer: Answer, start: Revision) -> None:
        requests = Range.prefix(f"{KEYS.root}request/")
        async with store.watch(requests, after=start) as batches:
            async for batch in batches:
                await self._answer_requests(store, batch, answer)

    async def _answer_requests(self, store: Store, batch: Batch, answer: Answer) -> None:
        for key, entry in batch.changes.items():
            if entry is None:
                continue
            request = decode(Request, entry.value, key)
            if request.outcome is None:
                self.requests.append(request)
                put = Put(key, encode(replace(request, outcome=answer(request))))
                await store.commit(Transaction((), (put,)))
