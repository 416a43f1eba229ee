"""The HTTP side of a watch. Importing this imports aiohttp; only the first watch does."""

from __future__ import annotations

import json
import ssl
from http import HTTPStatus

import aiohttp
import anyio

from sidecar.adapters.etcd.codec import Json
from sidecar.adapters.etcd.endpoints import Endpoint
from sidecar.adapters.etcd.errors import NoAnswer, parse_rejection
from sidecar.adapters.etcd.request import API_PATH, Attempt
from sidecar.adapters.etcd.transport.socket_options import set_socket_options
from sidecar.adapters.etcd.watch.feed import Feed
from sidecar.config import EtcdSettings
from sidecar.domain.records.store import Batch

_HEADERS = {
    "Content-Type": "application/json",
    # Etcd then ends the stream when its member loses the cluster's leader; else it would only fall silent.
    "Grpc-Metadata-hasleader": "true",
    # Without it the gateway (Go's HTTP/1.1) reads and drops what is left of the request once it begins to
    # answer: of several watches the last ones were then never created, in 1 of 30 streams.
    "Connection": "close",
}


class StreamConnections:
    """The connections of the watch streams, one for each; never shared and never pooled for long."""

    def __init__(self, settings: EtcdSettings) -> None:
        self._settings = settings
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(),  # the caller's scope is the limit, a stream has none
        )

    async def open(self, attempt: Attempt, requests: tuple[Json, ...], token: str) -> Stream:
        """Start the stream and wait until every watch is confirmed. Raises what `Stream.next_batch` does."""
        headers = {**_HEADERS, "Authorization": token} if token else _HEADERS
        with anyio.CancelScope(deadline=attempt.answer_deadline):
            try:
                response = await self._session.post(
                    f"{attempt.endpoint}{API_PATH}watch",
                    data="".join(map(json.dumps, requests)),
                    headers=headers,
                    allow_redirects=False,
                    # Read for each stream, as certificates are renewed.
                    ssl=_ssl_context(self._settings) if attempt.endpoint.scheme == "https" else True,
                )
            except (aiohttp.ClientError, OSError) as exc:
                raise NoAnswer(str(exc) or type(exc).__name__, unsent=False) from exc
            stream = Stream(attempt.endpoint, response, len(requests), self._settings.watch_silence_timeout)
            try:
                await stream.wait_until_confirmed()
            except BaseException:
                stream.close()
                raise
            return stream
        raise NoAnswer("no answer in time", unsent=False)

    async def aclose(self) -> None:
        """Close them all."""
        await self._session.close()


class Stream:
    """One open watch stream. `next_batch` raises `NoAnswer`, `Rejected`, `Compacted` or `BadFrame` at its
    end.
    """

    def __init__(
        self, endpoint: Endpoint, response: aiohttp.ClientResponse, watches: int, silence_timeout: float
    ) -> None:
        self.endpoint = endpoint
        self._response = response
        self._feed = Feed(watches)
        self._silence_timeout = silence_timeout
        self._given_up = False
        self._read_scope = anyio.CancelScope()

    async def wait_until_confirmed(self) -> None:
        """Return when etcd has confirmed every watch."""
        if self._response.status != HTTPStatus.OK:
            raise parse_rejection(await self._read_text())
        if (connection := self._response.connection) and connection.transport:
            set_socket_options(connection.transport.get_extra_info("socket"))
        while not self._feed.all_confirmed:
            await self._receive()

    async def next_batch(self) -> Batch:
        """Return what has come since the last call, waiting for it."""
        while (batch := self._feed.take_batch()) is None:
            await self._receive()
        return batch

    def give_up(self) -> None:
        """End the stream because its endpoint no longer answers elsewhere."""
        self._given_up = True
        self._read_scope.cancel()

    def close(self) -> None:
        """Drop the connection; etcd notices and forgets the watches."""
        # Closed in the order that TLS asks for, it would outlive the stream until etcd has answered.
        if (connection := self._response.connection) and connection.transport:
            connection.transport.abort()
        self._response.close()

    async def _receive(self) -> None:
        chunk: bytes | None = None
        if not self._given_up:
            with anyio.move_on_after(self._silence_timeout) as self._read_scope:
                chunk = await self._read()
        if chunk is None:
            reason = (
                "the endpoint is given up" if self._given_up else f"silent for {self._silence_timeout:g} s"
            )
            raise NoAnswer(reason, unsent=False)
        self._feed.receive(chunk)
        if not chunk:
            raise NoAnswer("etcd ended the stream", unsent=False)

    async def _read(self) -> bytes:
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as exc:
            raise NoAnswer(str(exc) or type(exc).__name__, unsent=False) from exc

    async def _read_text(self) -> str:
        try:
            return await self._response.text(errors="replace")
        except (aiohttp.ClientError, OSError) as exc:
            raise NoAnswer(str(exc) or type(exc).__name__, unsent=False) from exc


def _ssl_context(settings: EtcdSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca)
    if settings.cert is not None:
        context.load_cert_chain(settings.cert, settings.key)
    return context
