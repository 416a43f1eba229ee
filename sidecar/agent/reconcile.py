"""The node's loop: decide from the board, act, and again."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import assert_never

import anyio
from anyio.abc import TaskGroup

from sidecar.agent.board import Board
from sidecar.agent.dependencies import Dependencies
from sidecar.agent.reporting.join_requester import JoinRequester
from sidecar.domain.documents.document import Document
from sidecar.domain.errors import BadFile
from sidecar.domain.node.actions import (
    AskToJoin,
    Decision,
    RestartProcess,
    StartProcess,
    StopForRestart,
    StopProcess,
    WriteFile,
)
from sidecar.domain.node.decide import decide
from sidecar.domain.node.status import CounterName
from sidecar.domain.node.view import FileView
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

WRITE_RETRY_INTERVAL = 1.0
"""Seconds after which a file that could not be written is tried again."""


@dataclass(slots=True)
class Reconciler:
    """Keeps the file, the process and the request to join as the decision wants them."""

    dependencies: Dependencies
    board: Board
    join_requester: JoinRequester

    async def run(self) -> None:
        """Decide and act until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                now = anyio.current_time()
                decision = decide(self.board.view_at(now), now)
                self._log_decision(decision)
                join = decision.action if isinstance(decision.action, AskToJoin) else None
                self.join_requester.want(join)
                if not await self._act(decision, tasks):
                    self.board.mark_idle()
                    with anyio.move_on_at(decision.until if decision.until is not None else float("inf")):
                        await self.board.wait_for_change()

    def _log_decision(self, decision: Decision) -> None:
        if self.board.record_decision(decision, self.dependencies.wall()):
            level = logging.ERROR if decision.phase is Phase.REFUSED else logging.INFO
            event(log, level, decision.phase.value, reason=decision.reason)

    async def _act(self, decision: Decision, tasks: TaskGroup) -> bool:
        """Carry out the action; False if there is none to carry out here."""
        process = self.dependencies.process
        match decision.action:
            case None | AskToJoin():
                return False
            case WriteFile(document=document, servers=servers, rejected=rejected):
                await self._write(document, servers, rejected=rejected)
                return True
            case StartProcess(servers=servers):
                self.board.begin_action(decision)
                tasks.start_soon(self._act_if_file_holds, servers, lambda: process.start(servers), "starts")
            case StopForRestart(servers=servers):
                self.board.begin_action(decision)
                tasks.start_soon(self._act_if_file_holds, servers, process.stop, "restarts")
            case RestartProcess(servers=servers):
                self.board.begin_action(decision)
                tasks.start_soon(self._act_if_file_holds, servers, lambda: self._restart(servers), "restarts")
            case StopProcess():
                self.board.begin_action(decision)
                tasks.start_soon(self._stop)
            case _:
                assert_never(decision.action)
        return True

    async def _act_if_file_holds(
        self, servers: ServerList, action: Callable[[], Awaitable[None]], counter: CounterName
    ) -> None:
        """Take a step towards a process that runs on ``servers``, if the file still holds them."""
        if await self._reread_and_compare(servers):
            await action()
            self.board.increment(counter)
        self._finish()

    async def _restart(self, servers: ServerList) -> None:
        if self.dependencies.restarter is None:
            raise AssertionError("a restart in place was decided for a process that cannot do it")
        await self.dependencies.restarter.restart(servers)

    async def _stop(self) -> None:
        await self.dependencies.process.stop()
        self._finish()

    def _finish(self) -> None:
        self.board.finish_action(self.dependencies.process.state)

    async def _reread_and_compare(self, servers: ServerList) -> bool:
        """Read the file once more: an edit of this very moment, not yet observed, must not be loaded."""
        try:
            document = await self.dependencies.file.read()
        except BadFile as exc:
            # A list that cannot be read cannot be confirmed; `watch_file` repairs it, or waits for its owner.
            self.board.set_file(replace(self.board.view.file, document=None, problem=str(exc)))
            return False
        self.board.set_document(document)
        return document.servers == servers

    async def _write(self, document: Document, servers: ServerList, *, rejected: bool) -> None:
        written = document.with_servers(servers)
        try:
            await self._save_replaced_text(document, written, rejected=rejected)
            if self.board.view.file.document is not document:
                return  # it was edited again meanwhile, and that edit is neither checked nor saved
            await self.dependencies.file.write(written)
        except BadFile as exc:
            self.board.set_file_problem(str(exc))
            event(log, logging.ERROR, "file write failed", reason=str(exc))
            await anyio.sleep(WRITE_RETRY_INTERVAL)
            return
        self.board.increment("file_writes")
        event(log, logging.INFO, "file written", servers=str(servers))
        self.board.set_file(FileView(written, attempt=self.board.view.file.attempt))

    async def _save_replaced_text(self, document: Document, written: Document, *, rejected: bool) -> None:
        """Save a text that the sidecar did not write, with its diff: what a person typed is never lost."""
        last_known_good = self.board.view.last_known_good
        if last_known_good is not None and document.servers == last_known_good.servers:
            return
        kept = await self.dependencies.state.save_rejected(document.text, written.text)
        if rejected:
            self.board.increment("rejected_edits")
            event(log, logging.WARNING, "unauthorised edit rejected", kept=kept)
        else:
            event(log, logging.INFO, "file updated to the canonical list", kept=kept)
