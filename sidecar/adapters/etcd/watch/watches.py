"""Watches: opening a stream at one of the endpoints, and what its end means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sidecar.adapters.etcd.auth import Authenticator
from sidecar.adapters.etcd.codec import merge_overlapping, watch_requests
from sidecar.adapters.etcd.endpoints import Endpoint, Rotation
from sidecar.adapters.etcd.errors import NoAnswer, Rejected
from sidecar.adapters.etcd.request import Attempt, share_timeout
from sidecar.adapters.etcd.watch.feed import Compacted
from sidecar.adapters.etcd.watch.frames import BadFrame
from sidecar.config import EtcdSettings
from sidecar.domain.errors import StoreUnavailable
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Batch, Revision

if TYPE_CHECKING:
    from sidecar.adapters.etcd.watch.stream import Stream, StreamConnections

_FAILURES = (Rejected, NoAnswer, Compacted, BadFrame)


class Watches:
    """Opens watch streams, and owns the connections they run on."""

    def __init__(self, authenticator: Authenticator, rotation: Rotation, settings: EtcdSettings) -> None:
        self._authenticator = authenticator
        self._rotation = rotation
        self._settings = settings
        self._connections: StreamConnections | None = None

    @asynccontextmanager
    async def open(self, ranges: tuple[Range, ...], after: Revision) -> AsyncIterator[AsyncIterator[Batch]]:
        """Yield the batches, once etcd has confirmed every range."""
        stream = await self._open_at_any_endpoint(merge_overlapping(ranges), after)
        try:
            with self._rotation.call_on_failure(stream.endpoint, stream.give_up):
                yield BatchIterator(stream, self._rotation)
        finally:
            stream.close()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._connections is not None:
            await self._connections.aclose()

    async def _open_at_any_endpoint(self, ranges: tuple[Range, ...], after: Revision) -> Stream:
        failures: list[str] = []
        cause: Exception | None = None
        for attempt in share_timeout(self._rotation.order(), self._settings.call_timeout):
            try:
                return await self._open(attempt, ranges, after)
            except _FAILURES as failure:
                handle_failure(failure, attempt.endpoint, self._rotation)
                cause = failure
            failures.append(f"{attempt.endpoint}: {cause}")
        raise StoreUnavailable(f"watch: etcd is unavailable: {'; '.join(failures)}") from cause

    async def _open(self, attempt: Attempt, ranges: tuple[Range, ...], after: Revision) -> Stream:
        if self._connections is None:
            from sidecar.adapters.etcd.watch.stream import StreamConnections  # noqa: PLC0415 - 0.2 s, at the first watch

            self._connections = StreamConnections(self._settings)
        connections, requests = self._connections, watch_requests(ranges, after)
        return await self._authenticator.with_token(
            attempt,
            lambda token: connections.open(attempt, requests, token),
            # Up to 3.5.1 etcd says of a watch with an expired token that it lacks permission.
            wants_renewal=lambda rejection: rejection.needs_new_token or rejection.permission_denied,
        )


class BatchIterator:
    """The batches of one stream, until it ends."""

    def __init__(self, stream: Stream, rotation: Rotation) -> None:
        self._stream = stream
        self._rotation = rotation

    def __aiter__(self) -> BatchIterator:
        return self

    async def __anext__(self) -> Batch:
        endpoint = self._stream.endpoint
        try:
            return await self._stream.next_batch()
        except _FAILURES as failure:
            handle_failure(failure, endpoint, self._rotation)
            raise StoreUnavailable(f"watch on {endpoint}: {failure}") from failure


def handle_failure(failure: Exception, endpoint: Endpoint, rotation: Rotation) -> None:
    """Move to the next endpoint if ``failure`` is this one's; raise if no endpoint would do better."""
    match failure:
        case Rejected() if not failure.transient:
            raise failure.as_domain_error(f"watch on {endpoint}") from failure
        case Compacted():
            raise StoreUnavailable(f"watch on {endpoint}: {failure}; read again") from failure
        case _:
            rotation.mark_failed(endpoint, answered=not isinstance(failure, NoAnswer))
