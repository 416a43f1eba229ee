"""What this node tells the network: its report, and its request to join; both under its lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.domain.errors import BadRecord
from sidecar.domain.network.transaction import NO_REVISION
from sidecar.domain.node.actions import AskToJoin
from sidecar.domain.node.conflicts import claim_holder
from sidecar.domain.node.process import Running
from sidecar.domain.records.encoding import decode, encode
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.report import NodeLocation, Phase, Report
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.store import Compare, Delete, Entry, LeaseID, Put, Target, Transaction
from sidecar.domain.records.tokens import JoinToken
from sidecar.domain.servers import NodeID
from sidecar.ports import Store

MAX_REPORT_DELAY = 1.0
"""Seconds that a change may wait to be reported while phase and health are the same."""

RESEND_INTERVAL = 30.0
"""Seconds after which a request to join that nobody answered is made again."""


REFUSED_RETRY_INTERVAL = 60.0
"""Seconds after which one that was refused asks again."""

NODE_ID_RETRY_INTERVAL = 1.0
"""Seconds after which is looked again whether a NodeID that another node had is free."""


def why_node_id_taken(entry: Entry | None, location: NodeLocation, instance: str) -> str:
    """Why ``location`` may not report where ``entry`` stands; ``""`` where it may."""
    if entry is None:
        return ""
    try:
        report = decode(Report, entry.value, entry.key)
    except BadRecord:
        return ""
    return "" if report.instance == instance else report.why_not_available(location) or ""


@dataclass(slots=True)
class Reporter:
    """Speaks for one node.

    ``instance`` tells two lives of it apart; ``host``, ``file`` (the path of its configuration file) and
    ``sidecar_version`` are for people.
    """

    store: Store
    keys: Keys
    board: Board
    instance: str
    host: str
    file: str
    sidecar_version: str
    wall: Callable[[], float]
    token: JoinToken | None = None
    last_request: tuple[str, float] | None = None
    """The attempt to join that was last asked for, and since when, by the wall clock."""
    notified_node: NodeID | None = None
    """Who may have been told, under this life's lease, that this node claims what it has."""

    async def report(self, lease: LeaseID) -> NoReturn:
        """Keep the node's report in etcd as the board has it: news at once, lesser changes within a second.

        Every node writes its file at the same moment; that it did so can wait until they all have.
        """
        reported = await self._claim_node_id(lease)
        while True:
            await self.board.wait_until_changed(self.current_report, from_value=reported)
            with anyio.move_on_after(MAX_REPORT_DELAY):
                await self._wait_for_urgent_change(reported)
            reported = self.current_report()
            put = Put(self.keys.report(reported.node_id), encode(reported), lease)
            await self.store.commit(Transaction((), (put,)))

    async def _claim_node_id(self, lease: LeaseID) -> Report:
        """Report for the first time under this lease, once the NodeID is nobody else's."""
        while True:
            report, (entry, conflict) = self.current_report(), await self._read_node_id_owner()
            self.board.update(node_id_conflict=conflict)
            if not conflict:
                modified = entry.mod_revision if entry else NO_REVISION
                put = Put(self.keys.report(report.node_id), encode(report), lease)
                unseen = Compare(put.key, Target.MODIFIED, modified)
                if await self.store.commit(Transaction((unseen,), (put,))) is not None:
                    return report
            else:
                await anyio.sleep(NODE_ID_RETRY_INTERVAL)

    async def _read_node_id_owner(self) -> tuple[Entry | None, str]:
        """What stands under this node's NodeID, and why it may not speak there."""
        key = self.keys.report(self.board.view.identity.node_id)
        entry = (await self.store.read(Range(key))).entries.get(key)
        return entry, why_node_id_taken(entry, self.location(), self.instance)

    def location(self) -> NodeLocation:
        """What tells this node from another of the same NodeID."""
        me = self.board.view.identity
        return NodeLocation(me.node_id, me.url, self.host, self.file)

    async def publish_conflict(self, lease: LeaseID) -> NoReturn:
        """Let whoever has what this node claims know of it: its people have to see to it as well."""
        while True:
            holder = self._conflicting_node()
            if holder != self.notified_node:
                await self.withdraw_conflict()
            if holder:
                self.notified_node = holder  # also where the answer is lost
                put = Put(self.keys.conflict(holder, self.instance), encode(self.location()), lease)
                await self.store.commit(Transaction((), (put,)))
            # What was written may be gone, with a store that was emptied.
            with anyio.move_on_after(RESEND_INTERVAL if holder else float("inf")):
                await self.board.wait_until_changed(self._conflicting_node, from_value=holder)

    async def withdraw_conflict(self) -> None:
        """Take back what `publish_conflict` told, as it is not so any more, or another life has to say it
        anew.
        """
        if self.notified_node:
            delete = Delete(self.keys.conflict(self.notified_node, self.instance))
            await self.store.commit(Transaction((), (delete,)))
            self.notified_node = None

    def _conflicting_node(self) -> NodeID | None:
        return claim_holder(self.board.view)

    async def request_to_join(self, lease: LeaseID) -> NoReturn:
        """Ask to join while the decision is to ask: once for each attempt, and again when that is slow."""
        requested: AskToJoin | None = None
        while True:
            # The request may be gone, with a store that was emptied or by another node of the same NodeID.
            with anyio.move_on_after(self._resend_interval() if requested else float("inf")):
                await self.board.wait_until_changed(self._pending_join, from_value=requested)
            requested = self._pending_join()
            if requested:
                await self._send_join_request(requested, lease)

    def _resend_interval(self) -> float:
        return REFUSED_RETRY_INTERVAL if self.board.decision.phase is Phase.REFUSED else RESEND_INTERVAL

    def _pending_join(self) -> AskToJoin | None:
        action = self.board.decision.action
        return action if isinstance(action, AskToJoin) else None

    async def _send_join_request(self, join: AskToJoin, lease: LeaseID) -> None:
        me = self.board.view.identity
        if self.last_request is None or self.last_request[0] != join.attempt:
            self.last_request = join.attempt, self.wall()
        request = Request(
            kind=RequestKind.JOIN,
            subject=me.node_id,
            by=me.node_id,
            at=self.last_request[1],
            attempt=join.attempt,
            url=me.url,
            servers=join.servers.urls,
        )
        if self.token:
            request = self.token.signed(request, self.keys.network)
        put = Put(self.keys.request(f"join-{me.node_id}"), encode(request), lease)
        await self.store.commit(Transaction((), (put,)))

    async def _wait_for_urgent_change(self, reported: Report) -> None:
        """Return when the phase, the health or the process is another one."""
        await self.board.wait_until_changed(
            lambda: (self.board.decision.phase, self.board.view.healthy, self._pid()),
            from_value=(reported.phase, reported.healthy, reported.pid),
        )

    def _pid(self) -> int | None:
        process = self.board.view.process
        return process.pid if isinstance(process, Running) else None

    def current_report(self) -> Report:
        view, decision = self.board.view, self.board.decision
        return Report(
            node_id=view.identity.node_id,
            role=view.identity.role,
            url=view.identity.url,
            phase=decision.phase,
            reason=decision.reason,
            since=self.board.phase_since,
            healthy=view.healthy,
            loaded_version=view.loaded_version,
            written_version=view.last_known_good.version if view.last_known_good else 0,
            instance=self.instance,
            host=self.host,
            pid=self._pid(),
            sidecar=self.sidecar_version,
            failed_starts=view.failed_starts,
            file=self.file,
            recoveries=view.recoveries,
        )
