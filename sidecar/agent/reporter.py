"""What this node tells the network: its report, and its request to join; both under its lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.domain.errors import BadRecord
from sidecar.domain.network.transaction import NEVER
from sidecar.domain.node.conflicts import claimed_from
from sidecar.domain.node.process import Running
from sidecar.domain.node.view import AskToJoin
from sidecar.domain.records.encoding import decode, encode
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.membership import Request, RequestKind
from sidecar.domain.records.report import Phase, Report, Whereabouts
from sidecar.domain.records.store import Compare, Delete, Entry, LeaseID, Put, Target, Transaction
from sidecar.domain.records.tokens import JoinToken
from sidecar.domain.servers import NodeID
from sidecar.ports import Store

QUIET = 1.0
"""Seconds that a change may wait to be reported while phase and health are the same."""

ASK_AGAIN = 30.0
"""Seconds after which a request to join that nobody answered is made again."""


ASK_REFUSED = 60.0
"""Seconds after which one that was refused asks again."""

ASK_NAME = 1.0
"""Seconds after which is looked again whether a NodeID that another node had is free."""


def name_taken(entry: Entry | None, claim: Whereabouts, instance: str) -> str:
    """Why ``claim`` may not report where ``entry`` stands; ``""`` where it may."""
    if entry is None:
        return ""
    try:
        report = decode(Report, entry.value, entry.key)
    except BadRecord:
        return ""
    return "" if report.instance == instance else report.taken_from(claim) or ""


@dataclass(slots=True)
class Herald:
    """Speaks for one node.

    ``instance`` tells two lives of it apart; ``host``, ``file`` (the path of its configuration file) and
    ``sidecar`` are for people.
    """

    store: Store
    keys: Keys
    board: Board
    instance: str
    host: str
    file: str
    sidecar: str
    wall: Callable[[], float]
    token: JoinToken | None = None
    asked: tuple[str, float] | None = None
    """The attempt to join that was last asked for, and since when, by the wall clock."""
    contested: NodeID | None = None
    """Who may have been told, under this life's lease, that this node claims what it has."""

    async def report(self, lease: LeaseID) -> NoReturn:
        """Keep the node's report in etcd as the board has it: news at once, lesser changes within a second.

        Every node writes its file at the same moment; that it did so can wait until they all have.
        """
        told = await self._introduce(lease)
        while True:
            await self.board.until_other(self.current, than=told)
            with anyio.move_on_after(QUIET):
                await self._news_since(told)
            told = self.current()
            put = Put(self.keys.report(told.node_id), encode(told), lease)
            await self.store.commit(Transaction((), (put,)))

    async def _introduce(self, lease: LeaseID) -> Report:
        """Report for the first time under this lease, once the NodeID is nobody else's."""
        while True:
            report, (entry, taken) = self.current(), await self._name()
            self.board.update(taken=taken)
            if not taken:
                modified = entry.modified if entry else NEVER
                put = Put(self.keys.report(report.node_id), encode(report), lease)
                unseen = Compare(put.key, Target.MODIFIED, modified)
                if await self.store.commit(Transaction((unseen,), (put,))) is not None:
                    return report
            else:
                await anyio.sleep(ASK_NAME)

    async def _name(self) -> tuple[Entry | None, str]:
        """What stands under this node's NodeID, and why it may not speak there."""
        key = self.keys.report(self.board.view.identity.node_id)
        entry = (await self.store.read(Range(key))).entries.get(key)
        return entry, name_taken(entry, self.whereabouts(), self.instance)

    def whereabouts(self) -> Whereabouts:
        """What tells this node from another of the same NodeID."""
        me = self.board.view.identity
        return Whereabouts(me.node_id, me.url, self.host, self.file)

    async def contest(self, lease: LeaseID) -> NoReturn:
        """Let whoever has what this node claims know of it: its people have to see to it as well."""
        while True:
            holder = self._holder()
            if holder != self.contested:
                await self.withdraw()
            if holder:
                self.contested = holder  # also where the answer is lost
                put = Put(self.keys.rival(holder, self.instance), encode(self.whereabouts()), lease)
                await self.store.commit(Transaction((), (put,)))
            # What was written may be gone, with a store that was emptied.
            with anyio.move_on_after(ASK_AGAIN if holder else float("inf")):
                await self.board.until_other(self._holder, than=holder)

    async def withdraw(self) -> None:
        """Take back what `contest` told, as it is not so any more, or another life has to say it anew."""
        if self.contested:
            delete = Delete(self.keys.rival(self.contested, self.instance))
            await self.store.commit(Transaction((), (delete,)))
            self.contested = None

    def _holder(self) -> NodeID | None:
        return claimed_from(self.board.view)

    async def petition(self, lease: LeaseID) -> NoReturn:
        """Ask to join while the decision is to ask: once for each attempt, and again when that is slow."""
        asked: AskToJoin | None = None
        while True:
            # The request may be gone, with a store that was emptied or by another node of the same NodeID.
            with anyio.move_on_after(self._patience() if asked else float("inf")):
                await self.board.until_other(self._to_ask, than=asked)
            asked = self._to_ask()
            if asked:
                await self._ask(asked, lease)

    def _patience(self) -> float:
        return ASK_REFUSED if self.board.decision.phase is Phase.REFUSED else ASK_AGAIN

    def _to_ask(self) -> AskToJoin | None:
        action = self.board.decision.action
        return action if isinstance(action, AskToJoin) else None

    async def _ask(self, ask: AskToJoin, lease: LeaseID) -> None:
        me = self.board.view.identity
        if self.asked is None or self.asked[0] != ask.attempt:
            self.asked = ask.attempt, self.wall()
        request = Request(
            kind=RequestKind.JOIN,
            subject=me.node_id,
            by=me.node_id,
            at=self.asked[1],
            attempt=ask.attempt,
            url=me.url,
            servers=ask.servers.urls,
        )
        if self.token:
            request = self.token.signed(request, self.keys.network)
        put = Put(self.keys.request(f"join-{me.node_id}"), encode(request), lease)
        await self.store.commit(Transaction((), (put,)))

    async def _news_since(self, told: Report) -> None:
        """Return when the phase, the health or the process is another one."""
        await self.board.until_other(
            lambda: (self.board.decision.phase, self.board.view.healthy, self._pid()),
            than=(told.phase, told.healthy, told.pid),
        )

    def _pid(self) -> int | None:
        process = self.board.view.process
        return process.pid if isinstance(process, Running) else None

    def current(self) -> Report:
        view, decision = self.board.view, self.board.decision
        return Report(
            node_id=view.identity.node_id,
            role=view.identity.role,
            url=view.identity.url,
            phase=decision.phase,
            reason=decision.reason,
            since=self.board.since,
            healthy=view.healthy,
            loaded_version=view.loaded_version,
            written_version=view.applied.version if view.applied else 0,
            instance=self.instance,
            host=self.host,
            pid=self._pid(),
            sidecar=self.sidecar,
            fruitless=view.fruitless,
            file=self.file,
            recoveries=view.recoveries,
        )
