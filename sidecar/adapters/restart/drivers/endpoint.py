"""The driver ``endpoint``: a program that restarts itself when it is asked to over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from sidecar.adapters.restart.driver import Incarnation
from sidecar.domain.errors import DriverError
from sidecar.domain.printing import os_reason
from sidecar.domain.servers import InvalidUrl, ServerList
from sidecar.secret_files import read_secret

if TYPE_CHECKING:
    import aiohttp

POLL_INTERVAL = 3.0
"""Seconds between two requests for its status: nothing announces its end."""

_MAX_ANSWER_BYTES = 1 << 20
_MAX_REASON_LENGTH = 500
_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; the token in --endpoint-token-file is not the program's",
    HTTPStatus.NOT_FOUND: "; there is nothing at this path: see --endpoint-url and --endpoint-status",
    HTTPStatus.METHOD_NOT_ALLOWED: "; see --endpoint-url and --endpoint-status",
}


@dataclass(frozen=True, slots=True)
class EndpointDriver:
    """POSTs to ``url``; ``status_url`` answers what is loaded. The contract of both is
    `docs/reference/hot-reload-endpoint.md`.

    The token is read for each request, as it may be renewed.
    """

    url: str
    status_url: str
    token_file: Path
    starts_new_incarnation: bool = True
    can_stop: bool = False

    @property
    def label(self) -> str:
        return f"the program at {self.url}"

    async def observe(self) -> Incarnation | None:
        answer = await self._request("GET", self.status_url)
        return None if answer is None else _parse_incarnation(self.status_url, answer)

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:  # noqa: ARG002 - it reads its file itself
        # One that is not there is not asked: it may come up at this moment, on the list that its file holds.
        if incarnation is None or await self._request("POST", self.url) is None:
            raise DriverError(f"no program answers at {self.url}; its launcher has to start it")

    async def stop(self) -> None:
        raise DriverError(f"{self.label} can be asked to restart, not to stop")

    async def wait_for_end(self, incarnation: Incarnation) -> None:  # noqa: ARG002 - it is polled
        await anyio.sleep(POLL_INTERVAL)

    async def _request(self, method: str, url: str) -> bytes | None:
        """The body of a good answer; None if no program listens. Raises `DriverError`."""
        import aiohttp  # noqa: PLC0415 - not before the process could have been started

        headers = {"Authorization": f"Bearer {self._read_token()}"}
        try:
            async with (
                aiohttp.ClientSession(trust_env=False) as session,
                session.request(method, url, headers=headers, allow_redirects=False) as response,
            ):
                return await _require_success(method, url, response)
        except aiohttp.ClientConnectorError as exc:
            if isinstance(exc.os_error, ConnectionRefusedError):
                return None
            raise DriverError(f"{url}: {os_reason(exc)}") from exc
        except aiohttp.ServerDisconnectedError:
            return None  # it ended while it was asked
        except (aiohttp.ClientError, OSError) as exc:
            raise DriverError(f"{method} {url}: {str(exc) or type(exc).__name__}") from exc

    def _read_token(self) -> str:
        try:
            token = read_secret(self.token_file, "the token").strip()
        except ValueError as exc:
            raise DriverError(
                f"the token is missing: {exc}; the program creates the file when it starts, or name another "
                "one to both with --endpoint-token-file"
            ) from exc
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise DriverError(f"the first line of {self.token_file} is not a token: write letters and digits")
        return token


async def _require_success(method: str, url: str, response: aiohttp.ClientResponse) -> bytes:
    if response.status in range(200, 300):
        return await _read(response)
    advice = _ADVICE.get(response.status, "")
    raise DriverError(f"{method} {url} is answered {response.status} {response.reason}{advice}")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, which may come in pieces; of one without an end, its beginning."""
    body = b""
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _MAX_ANSWER_BYTES:
            break
    return body


def _parse_incarnation(url: str, answer: bytes) -> Incarnation:
    try:
        document: Any = json.loads(answer)
        pid, generation = document.get("pid"), document.get("generation")
        # The first process of a container has the same pid in each run.
        started = document.get("startedAt")
        listed = document.get("FederatedServers")
        loaded = None if listed is None else ServerList.parse(listed)
    except (ValueError, AttributeError, TypeError, InvalidUrl, RecursionError) as exc:
        raise DriverError(f"{url} does not answer with a status: {exc}") from exc
    name = "" if pid is None and generation is None else _sanitize(f"{pid} {generation} {started}")
    state = document.get("state", "running")
    unready = (
        "" if state == "running" else f"it says that it is {state}: {document.get('reason', '')}".rstrip(": ")
    )
    return Incarnation(name, pid if isinstance(pid, int) else None, None, loaded, _sanitize(unready))


def _sanitize(text: str) -> str:
    """What a program said, so that it can be kept and shown: half a character cannot."""
    return text[:_MAX_REASON_LENGTH].encode(errors="replace").decode()
