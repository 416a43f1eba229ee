"""A lease as a scope: the work inside ends, by this sidecar's own clock, before etcd drops the lease."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, NoReturn

import anyio

from sidecar.agent.backoff import back_off
from sidecar.agent.board import Board
from sidecar.domain.errors import LeaseLost, StoreRefused, StoreUnavailable
from sidecar.domain.records.store import LeaseID
from sidecar.logs import event
from sidecar.ports import Store

log = logging.getLogger(__name__)

# Fractions of the TTL: how often the lease is renewed, how soon a failed renewal is retried, and how long
# before etcd drops the lease the work under it ends. The last covers a call that is under way then.
RENEW_FRACTION, RETRY_FRACTION, MARGIN_FRACTION = 1 / 3, 1 / 20, 1 / 10


@dataclass(slots=True)
class LeaseKeeper:
    """Holds this sidecar's one lease, across outages of etcd for as long as etcd keeps it.

    ``ttl`` is that of a new lease. A lease kept across a re-execution keeps the TTL with which it was
    granted, ``granted_ttl``.
    """

    store: Store
    board: Board
    ttl: float
    lease: LeaseID | None = None
    granted_ttl: float = field(default=0.0, init=False)

    async def run(self, work: Callable[[LeaseID], Coroutine[Any, Any, None]]) -> NoReturn:
        """Run ``work(lease)`` whenever there is a lease that is known to be alive, again and again."""
        failures = 0
        while True:
            began = anyio.current_time()
            try:
                lease, deadline = await self._grant_or_renew()
                await self._run_until(work, lease, deadline)
            except* LeaseLost as lost:
                event(log, logging.WARNING, "lease lost", reason=_messages(lost))
                self.lease = None
            except* (StoreUnavailable, StoreRefused) as trouble:
                level = logging.WARNING if self.board.view.network.lease_alive else logging.DEBUG
                event(
                    log,
                    level,
                    "lease not renewed; leadership and reporting are suspended",
                    reason=_messages(trouble),
                )
            self.board.set_lease_alive(alive=False)
            # The backoff starts over only after a TTL of success: a store that refuses must not be flooded.
            failures = failures + 1 if anyio.current_time() - began < self.ttl else 1
            if self.lease is not None or failures > 1:
                await back_off(failures)

    async def revoke(self) -> None:
        """Revoke the lease, so that the network need not wait for it to expire."""
        if self.lease is not None:
            await self.store.revoke_lease(self.lease)

    async def renew(self) -> None:
        """Renew the lease, for a sidecar that will be away for a moment."""
        if self.lease is not None:
            await self.store.keep_alive(self.lease)

    async def _grant_or_renew(self) -> tuple[LeaseID, float]:
        """Return a lease that is alive, and until when on anyio's clock, less the margin."""
        asked = anyio.current_time()
        if self.lease is None:
            self.lease = await self.store.grant_lease(self.ttl)
            self.granted_ttl = self.ttl
        else:
            self.granted_ttl = await self.store.keep_alive(self.lease)
        return self.lease, asked + self.granted_ttl * (1 - MARGIN_FRACTION)

    async def _run_until(
        self, work: Callable[[LeaseID], Coroutine[Any, Any, None]], lease: LeaseID, deadline: float
    ) -> None:
        """Run ``work`` while the lease is renewed in time; cancel it when it is not."""
        self._set_deadline(deadline)
        self.board.set_lease_alive(alive=True)
        with anyio.CancelScope(deadline=deadline) as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work, lease)
                await self._keep_renewing(scope)
        raise StoreUnavailable("the lease could not be renewed in time; stepping down")

    def _set_deadline(self, deadline: float) -> None:
        was_gone = self.board.lease_deadline <= anyio.current_time()
        self.board.lease_deadline = deadline
        if was_gone:
            self.board.wake()

    async def _keep_renewing(self, scope: anyio.CancelScope) -> NoReturn:
        while True:
            # Counted from the last renewal request, which on a busy machine is a while ago.
            await anyio.sleep_until(
                scope.deadline - self.granted_ttl * (1 - MARGIN_FRACTION - RENEW_FRACTION)
            )
            try:
                _, scope.deadline = await self._grant_or_renew()
                self._set_deadline(scope.deadline)
            except (StoreUnavailable, StoreRefused):
                await anyio.sleep(self.granted_ttl * RETRY_FRACTION)


def _messages(group: BaseExceptionGroup[Exception]) -> str:
    """The messages in ``group``, on one line."""
    inner = [_messages(e) if isinstance(e, BaseExceptionGroup) else str(e) for e in group.exceptions]
    return "; ".join(inner)
