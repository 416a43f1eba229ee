"""This node's request to join, under its lease, for as long as the decision is to ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.domain.node.actions import AskToJoin
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.report import Phase
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.store import LeaseID, Put, Transaction
from sidecar.domain.records.tokens import JoinToken
from sidecar.ports import Store

RESEND_INTERVAL = 30.0
"""Seconds after which a request without an answer is sent again."""

REFUSED_RETRY_INTERVAL = 60.0
"""Seconds after which a refused request is sent again."""


@dataclass(slots=True)
class JoinRequester:
    """Asks to join once for each attempt, and again if the answer is slow or no.

    ``wall`` reads the wall clock; ``token`` signs the request if the network needs one.
    """

    store: Store
    keys: Keys
    board: Board
    wall: Callable[[], float]
    token: JoinToken | None = None
    last_attempt: tuple[str, float] | None = None
    """The attempt that was last requested, and when it was first requested, by the wall clock."""

    async def run(self, lease: LeaseID) -> NoReturn:
        """Send requests until cancelled."""
        requested: AskToJoin | None = None
        while True:
            # A store that was emptied, or another node with the same NodeID, may have dropped the request.
            with anyio.move_on_after(self._resend_interval() if requested else float("inf")):
                await self.board.wait_until_changed(self._pending_join, from_value=requested)
            requested = self._pending_join()
            if requested:
                await self._send(requested, lease)

    def _resend_interval(self) -> float:
        return REFUSED_RETRY_INTERVAL if self.board.decision.phase is Phase.REFUSED else RESEND_INTERVAL

    def _pending_join(self) -> AskToJoin | None:
        action = self.board.decision.action
        return action if isinstance(action, AskToJoin) else None

    async def _send(self, join: AskToJoin, lease: LeaseID) -> None:
        me = self.board.view.identity
        if self.last_attempt is None or self.last_attempt[0] != join.attempt:
            self.last_attempt = join.attempt, self.wall()
        request = Request(
            kind=RequestKind.JOIN,
            subject=me.node_id,
            by=me.node_id,
            at=self.last_attempt[1],
            attempt=join.attempt,
            url=me.url,
            servers=join.servers.urls,
        )
        if self.token:
            request = self.token.signed(request, self.keys.network)
        put = Put(self.keys.request(f"join-{me.node_id}"), encode(request), lease)
        await self.store.commit(Transaction((), (put,)))
