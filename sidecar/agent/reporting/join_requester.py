"""Keeps this node's request to join in etcd, under its lease, while the reconciler wants it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

import anyio

from sidecar.agent.reporting.instance import Instance
from sidecar.domain.node.actions import AskToJoin
from sidecar.domain.records.encoding import encode
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.store import LeaseID, Put, Transaction
from sidecar.ports import Store

RESEND_INTERVAL = 30.0
"""Seconds after which a request without an answer is sent again."""

REFUSED_RETRY_INTERVAL = 60.0
"""Seconds after which a refused request is sent again."""


@dataclass(slots=True)
class JoinRequester:
    """Asks to join once for each attempt, and again if the answer is slow or no.

    ``wall`` reads the wall clock.
    """

    store: Store
    keys: Keys
    instance: Instance
    wall: Callable[[], float]
    wanted: AskToJoin | None = field(default=None, init=False)
    """The request that the reconciler wants now."""
    last_attempt: tuple[str, float] | None = field(default=None, init=False)
    """The attempt that was last requested, and when it was first requested, by the wall clock."""
    _changed: anyio.Event = field(default_factory=anyio.Event, init=False)

    def want(self, join: AskToJoin | None) -> None:
        """Accept the request to send from now on; None: send no more."""
        if join != self.wanted:
            self.wanted = join
            self._changed.set()
            self._changed = anyio.Event()

    async def run(self, lease: LeaseID) -> NoReturn:
        """Send requests until cancelled."""
        requested: AskToJoin | None = None
        while True:
            # A store that was emptied, or another node with the same NodeID, may have dropped the request.
            with anyio.move_on_after(self._resend_interval() if requested else float("inf")):
                while _are_same_request(requested, self.wanted):
                    await self._changed.wait()
            requested = self.wanted
            if requested:
                await self._send(requested, lease)

    def _resend_interval(self) -> float:
        return REFUSED_RETRY_INTERVAL if self.wanted and self.wanted.refused else RESEND_INTERVAL

    async def _send(self, join: AskToJoin, lease: LeaseID) -> None:
        identity, token = self.instance.identity, self.instance.join_token
        if self.last_attempt is None or self.last_attempt[0] != join.attempt:
            self.last_attempt = join.attempt, self.wall()
        request = Request(
            kind=RequestKind.JOIN,
            subject=identity.node_id,
            by=identity.node_id,
            at=self.last_attempt[1],
            attempt=join.attempt,
            url=identity.url,
            servers=join.servers.urls,
        )
        if token:
            request = token.signed(request, self.keys.network)
        put = Put(self.keys.request(f"join-{identity.node_id}"), encode(request), lease)
        await self.store.commit(Transaction((), (put,)))


def _are_same_request(one: AskToJoin | None, other: AskToJoin | None) -> bool:
    """Whether both ask for the same; that the leader refused it in between makes no new request of it."""
    if one is None or other is None:
        return one is other
    return (one.attempt, one.servers) == (other.attempt, other.servers)
