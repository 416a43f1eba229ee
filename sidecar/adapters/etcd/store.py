"""`EtcdStore`: the store of `sidecar.ports`, on etcd."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Self

import anyio

from sidecar.adapters.etcd.auth import Authenticator
from sidecar.adapters.etcd.caller import Caller
from sidecar.adapters.etcd.certificates import check_certificates
from sidecar.adapters.etcd.codec import commit_request, parse_listing, parse_revision, read_request
from sidecar.adapters.etcd.endpoints import Endpoint, Rotation
from sidecar.adapters.etcd.request import Request
from sidecar.adapters.etcd.transport.transport import Transport
from sidecar.adapters.etcd.watch.watches import Watches
from sidecar.config import EtcdSettings
from sidecar.domain.errors import LeaseLost
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Batch, LeaseID, Listing, Revision, Transaction

_CLOSE_TIMEOUT = 1.0


class EtcdStore:
    """A store on etcd, open between ``async with`` and its end.

    Raises `BadConfiguration` for settings that cannot work. Nothing is sent, and no library imported, before
    the first call.
    """

    def __init__(self, settings: EtcdSettings) -> None:
        check_certificates(settings)
        rotation = Rotation(tuple(Endpoint.parse(text) for text in settings.endpoints))
        self._transport = Transport(settings)
        authenticator = Authenticator(self._transport, settings)
        self._caller = Caller(authenticator, rotation, settings.call_timeout)
        self._watches = Watches(authenticator, rotation, settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._transport.close()
        with anyio.move_on_after(_CLOSE_TIMEOUT, shield=True):
            await self._watches.aclose()

    async def read(self, *ranges: Range) -> Listing:
        answer = await self._caller.call("read", Request("kv/txn", read_request(ranges)))
        return parse_listing(answer)

    async def commit(self, transaction: Transaction) -> Revision | None:
        request = Request("kv/txn", commit_request(transaction), idempotent=False)
        answer = await self._caller.call("commit", request)
        return parse_revision(answer) if answer.get("succeeded") else None

    def watch(self, *ranges: Range, after: Revision) -> AbstractAsyncContextManager[AsyncIterator[Batch]]:
        return self._watches.open(ranges, after)

    async def grant_lease(self, ttl: float) -> LeaseID:
        # Asked twice, the first one is never heard of and ends by itself.
        request = Request("lease/grant", {"TTL": math.ceil(ttl), "ID": 0})
        return LeaseID(int((await self._caller.call("grant a lease", request))["ID"]))

    async def keep_alive(self, lease: LeaseID) -> float:
        answer = await self._caller.call("keep the lease", Request("lease/keepalive", {"ID": lease}))
        left = float(answer["result"].get("TTL", 0))
        if left <= 0:  # etcd's way to say that there is no such lease
            raise LeaseLost(f"lease {lease:x} has expired or was revoked")
        return left

    async def revoke_lease(self, lease: LeaseID) -> None:
        with suppress(LeaseLost):  # gone already, or by an attempt whose answer was lost
            await self._caller.call("revoke the lease", Request("lease/revoke", {"ID": lease}))
