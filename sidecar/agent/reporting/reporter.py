"""What this node reports to the network, under its lease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.agent.reporting.instance import Instance
from sidecar.domain.node.process import Running
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.report import Report
from sidecar.domain.records.store import Compare, LeaseID, Put, Transaction
from sidecar.ports import Store

MAX_REPORT_DELAY = 1.0
"""Seconds that a change may wait to be reported if phase and health stay the same."""

NODE_ID_RETRY_INTERVAL = 1.0
"""Seconds between two checks whether a NodeID that another node uses is free."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Keeps the node's report in etcd as the board has it."""

    store: Store
    keys: Keys
    board: Board
    instance: Instance

    async def run(self, lease: LeaseID) -> NoReturn:
        """Report urgent changes at once, all others within a second.

        Every node writes its file at the same moment; reporting that can wait until all have written.
        """
        reported = await self._claim_node_id(lease)
        while True:
            await self.board.wait_until_changed(self._current_report, from_value=reported)
            with anyio.move_on_after(MAX_REPORT_DELAY):
                await self._wait_for_urgent_change(reported)
            reported = self._current_report()
            put = Put(self.keys.report(reported.node_id), encode(reported), lease)
            await self.store.commit(Transaction((), (put,)))

    async def _claim_node_id(self, lease: LeaseID) -> Report:
        """Write the first report under this lease, once no other node uses the NodeID."""
        key = self.keys.report(self.instance.identity.node_id)
        while True:
            report = self._current_report()
            entry = (await self.store.read(Range(key))).entries.get(key)
            conflict = self.instance.why_node_id_taken(entry)
            self.board.set_node_id_taken_reason(conflict)
            if not conflict:
                unchanged = Compare.unchanged(key, entry)
                put = Put(key, encode(report), lease)
                if await self.store.commit(Transaction((unchanged,), (put,))) is not None:
                    return report
            else:
                await anyio.sleep(NODE_ID_RETRY_INTERVAL)

    async def _wait_for_urgent_change(self, reported: Report) -> None:
        """Return when the phase, the health or the process has changed."""
        await self.board.wait_until_changed(
            lambda: (self.board.decision.phase, self.board.view.health.healthy, self._pid()),
            from_value=(reported.phase, reported.healthy, reported.pid),
        )

    def _pid(self) -> int | None:
        process = self.board.view.process.state
        return process.pid if isinstance(process, Running) else None

    def _current_report(self) -> Report:
        view, decision, instance = self.board.view, self.board.decision, self.instance
        return Report(
            node_id=instance.identity.node_id,
            role=instance.identity.role,
            url=instance.identity.url,
            phase=decision.phase,
            reason=decision.reason,
            since=self.board.phase_since,
            healthy=view.health.healthy,
            loaded_version=view.process.loaded_version,
            written_version=view.last_known_good.version if view.last_known_good else 0,
            instance=instance.id,
            host=instance.host,
            pid=self._pid(),
            sidecar=instance.version,
            failed_starts=view.health.failed_starts,
            file=instance.file,
            recoveries=view.health.recoveries,
        )
