"""Notifies the node whose NodeID or URL this node claims: its operators must act too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.agent.reporting.instance import Instance
from sidecar.domain.node.conflicts import claim_holder
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.store import Delete, LeaseID, Put, Transaction
from sidecar.domain.servers import NodeID
from sidecar.ports import Store

RESEND_INTERVAL = 30.0
"""Seconds after which a notice is written again, in case the store was emptied."""


@dataclass(slots=True)
class ConflictNotifier:
    """``notified`` is the node that may hold a notice under this sidecar's lease."""

    store: Store
    keys: Keys
    board: Board
    instance: Instance
    notified: NodeID | None = None

    async def run(self, lease: LeaseID) -> NoReturn:
        """Keep a notice at the node that holds what this one claims, for as long as one does."""
        while True:
            holder = self._claim_holder()
            if holder != self.notified:
                await self.withdraw()
            if holder:
                self.notified = holder  # also if the answer is lost
                put = Put(self.keys.conflict(holder, self.instance.id), encode(self.instance.location), lease)
                await self.store.commit(Transaction((), (put,)))
            with anyio.move_on_after(RESEND_INTERVAL if holder else float("inf")):
                await self.board.wait_until_changed(self._claim_holder, from_value=holder)

    async def withdraw(self) -> None:
        """Delete the notice: the conflict is over, or the next execution has to publish it itself."""
        if self.notified:
            await self.store.commit(
                Transaction((), (Delete(self.keys.conflict(self.notified, self.instance.id)),))
            )
            self.notified = None

    def _claim_holder(self) -> NodeID | None:
        return claim_holder(self.board.view)
