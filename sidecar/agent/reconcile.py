"""The node's loop: look at the board, decide, act, and again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, assert_never

import anyio
from anyio.abc import TaskGroup

from sidecar.agent.board import Board
from sidecar.domain.documents.document import Document
from sidecar.domain.errors import BadFile
from sidecar.domain.node.actions import (
    AskToJoin,
    Decision,
    RestartProcess,
    StartProcess,
    StopProcess,
    WriteFile,
)
from sidecar.domain.node.decide import decide
from sidecar.domain.node.facts import failed_starts_after_restart
from sidecar.domain.node.process import Exited, NotLaunched, ProcessState, Running
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import ServerList
from sidecar.logs import event
from sidecar.ports import ConfigFile, Process, StateFolder

log = logging.getLogger(__name__)

WRITE_RETRY_INTERVAL = 1.0
"""Seconds before a file that could not be written is tried again."""


@dataclass(slots=True)
class Reconciler:
    """Keeps the file and the process as the decision wants them."""

    board: Board
    file: ConfigFile
    state: StateFolder
    process: Process
    wall: Callable[[], float]

    async def run(self) -> None:
        """Decide and act until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                now = anyio.current_time()
                decision = decide(self.board.view_at(now), now)
                self._log_decision(decision)
                if not await self._act(decision, tasks):
                    self.board.mark_idle()
                    with anyio.move_on_at(decision.until if decision.until is not None else float("inf")):
                        await self.board.wait_for_change()

    def _log_decision(self, decision: Decision) -> None:
        if self.board.record_decision(decision, self.wall()):
            level = logging.ERROR if decision.phase is Phase.REFUSED else logging.INFO
            event(log, level, decision.phase.value, reason=decision.reason)

    async def _act(self, decision: Decision, tasks: TaskGroup) -> bool:
        """Carry out the action; False where there was none to carry out here."""
        match decision.action:
            case None | AskToJoin():  # asking needs the lease: `request_to_join` does it
                return False
            case WriteFile(file=file, servers=servers, rejected=rejected):
                await self._write(file, servers, rejected=rejected)
            case StartProcess(servers=servers):
                self.board.update(in_progress=decision, healthy=False, health_reason="")
                tasks.start_soon(self._start, servers)
            case RestartProcess(servers=servers):
                failed_starts = failed_starts_after_restart(self.board.view, servers, anyio.current_time())
                self.board.update(
                    in_progress=decision, healthy=False, health_reason="", failed_starts=failed_starts
                )
                tasks.start_soon(self._restart, servers)
            case StopProcess():
                self.board.update(in_progress=decision, healthy=False, health_reason="")
                tasks.start_soon(self._stop)
            case _:
                assert_never(decision.action)
        return True

    async def _start(self, servers: ServerList) -> None:
        if await self._reread_and_compare(servers):
            await self.process.start(servers)
            self.board.increment("starts")
        self._finish()

    async def _restart(self, servers: ServerList) -> None:
        if await self._reread_and_compare(servers):
            await self.process.restart(servers)
            self.board.increment("restarts")
        self._finish()

    async def _reread_and_compare(self, servers: ServerList) -> bool:
        """Look once more: an edit of this very moment, which nobody was told of yet, must not be loaded."""
        try:
            document = await self.file.read()
        except BadFile as exc:
            # Whoever cannot read the list cannot vouch for it; `watch_file` mends it, or waits for its owner.
            self.board.update(file=None, file_problem=str(exc))
            return False
        self.board.update(file=document)
        return document.servers == servers

    async def _stop(self) -> None:
        await self.process.stop()
        self._finish()

    def _finish(self) -> None:
        # What a probe found out until now was about the process before.
        self.board.update(in_progress=None, process=self.process.state, healthy=False, health_reason="")

    async def _write(self, file: Document, servers: ServerList, *, rejected: bool) -> None:
        written = file.with_servers(servers)
        try:
            await self._save_replaced_text(file, written, rejected=rejected)
            if self.board.view.file is not file:
                return  # edited once more meanwhile: that has not been looked at, nor kept
            await self.file.write(written)
        except BadFile as exc:
            self.board.update(file_problem=str(exc))
            event(log, logging.ERROR, "the file cannot be written", error=str(exc))
            await anyio.sleep(WRITE_RETRY_INTERVAL)
            return
        self.board.increment("file_writes")
        event(log, logging.INFO, "wrote the file", servers=str(servers))
        self.board.update(file=written, file_problem="")

    async def _save_replaced_text(self, file: Document, written: Document, *, rejected: bool) -> None:
        """Nothing that a person typed is lost: a text the sidecar did not write is kept, with its diff."""
        applied = self.board.view.last_known_good
        if applied is not None and file.servers == applied.servers:
            return
        kept = await self.state.save_rejected(file.text, written.text)
        if rejected:
            self.board.increment("rejected_edits")
            event(log, logging.WARNING, "an unauthorised edit was rejected", kept=kept)
        else:
            event(log, logging.INFO, "the file was brought in step", kept=kept)


async def watch_process(*, process: Process, board: Board) -> NoReturn:
    """Tell the board when the process ends by itself."""
    while True:
        await process.wait_for_change()
        if board.view.in_progress:
            continue
        state = process.state
        if isinstance(state, Exited) and state != board.view.process:
            board.increment("crashes")
        if isinstance(state, Exited | NotLaunched) or _is_another_process(state, board.view.process):
            board.update(process=state, healthy=False, health_reason="")
        else:
            board.update(process=state)


def _is_another_process(state: ProcessState, known: ProcessState) -> bool:
    """Whether somebody else started the process anew: what a probe found out was about the one before."""
    return isinstance(state, Running) and isinstance(known, Running) and state.started_at != known.started_at
