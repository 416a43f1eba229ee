"""One call, or one watch, of the Kubernetes API. Importing this imports aiohttp."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp

from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.adapters.restart.drivers.kubernetes.errors import NoAnswer, api_error_of_status, parse_api_error

Json = dict[str, Any]

STRATEGIC_MERGE = "application/strategic-merge-patch+json"

WATCH_TIMEOUT = 120
"""Seconds after which the server ends a watch, and a new one begins: a dead connection is noticed by then."""

_WATCH_READ_MARGIN = 10.0


class KubernetesApi:
    """Calls as this pod's service account. Everything raises `ApiError` or `NoAnswer`.

    Each call opens a connection of its own: calls are rare, and token and CA are replaced under a client
    that keeps them. A redirect is not followed: the token is for one server.
    """

    def __init__(self, access: KubernetesAccess, *, timeout: float) -> None:
        self.access = access
        self._timeout = timeout

    async def get(self, path: str) -> Json:
        """The object at ``path``."""
        return await self._call("GET", path)

    async def delete(self, path: str, options: Json) -> Json:
        """Delete the object at ``path``; ``options`` are its ``DeleteOptions``."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", **options}
        return await self._call("DELETE", path, body, "application/json")

    async def patch(self, path: str, patch: Json, *, manager: str) -> Json:
        """Merge ``patch`` into the object at ``path``, as ``manager``."""
        return await self._call("PATCH", path, patch, STRATEGIC_MERGE, {"fieldManager": manager})

    async def watch(self, path: str, name: str, resource_version: str) -> AsyncGenerator[Json, None]:
        """Each state of the object ``name`` after ``resource_version``, until the server ends the stream.

        ``path`` is that of its collection. The object comes without a name when it was deleted.
        """
        query = {
            "watch": "1",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(WATCH_TIMEOUT),
        }
        limits = aiohttp.ClientTimeout(
            sock_connect=self._timeout, sock_read=WATCH_TIMEOUT + _WATCH_READ_MARGIN
        )
        async with self._request("GET", path, query=query, limits=limits) as response:
            async for line in _lines(response):
                event = _parse(line)
                shown = event.get("object")
                if event.get("type") == "ERROR":
                    raise api_error_of_status(shown if isinstance(shown, dict) else {})
                if event.get("type") == "DELETED":
                    yield {}
                elif isinstance(shown, dict):
                    yield shown

    async def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        kind: str = "",
        query: Mapping[str, str] | None = None,
    ) -> Json:
        limits = aiohttp.ClientTimeout(total=self._timeout)
        data = None if body is None else json.dumps(body).encode()
        async with self._request(method, path, query=query, limits=limits, data=data, kind=kind) as response:
            return _parse(await response.read())

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        limits: aiohttp.ClientTimeout,
        data: bytes | None = None,
        kind: str = "",
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, once it is a good one; failures come in our own words, also those while it is read."""
        try:
            headers = {"Authorization": f"Bearer {self.access.token()}", "Accept": "application/json"}
            if kind:
                headers["Content-Type"] = kind
            connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=self.access.ca_file))
            async with (
                aiohttp.ClientSession(connector=connector, timeout=limits, read_bufsize=2**18) as session,
                session.request(
                    method,
                    self.access.url + path,
                    params=query,
                    data=data,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    text = await response.text(errors="replace")
                    raise parse_api_error(response.status, text, response.headers.get("Retry-After"))
                yield response
        except TimeoutError as exc:
            raise NoAnswer(f"the API server at {self.access.url} does not answer in time") from exc
        except aiohttp.ClientConnectorCertificateError as exc:
            why = getattr(exc.certificate_error, "verify_message", None) or exc.certificate_error
            raise NoAnswer(
                f"the API server at {self.access.url} has a certificate that {self.access.ca_file} did "
                f"not sign: {why}"
            ) from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise NoAnswer(f"the API server at {self.access.url}: {_describe_error(exc)}") from exc


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The lines of a stream. aiohttp's own have a limit of length, which a Pod may exceed."""
    rest = b""
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def _parse(text: bytes) -> Json:
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise NoAnswer("the API server's answer is not JSON") from exc
    if not isinstance(found, dict):
        raise NoAnswer("the API server's answer is not a JSON object")
    return found


def _describe_error(exc: Exception) -> str:
    """What the system says of it, where it does; aiohttp's own message repeats the address."""
    cause = getattr(exc, "os_error", exc)
    if isinstance(cause, OSError) and cause.strerror:
        return f"{cause.filename}: {cause.strerror}" if cause.filename else cause.strerror
    return str(exc) or type(exc).__name__
