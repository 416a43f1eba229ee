"""The driver ``endpoint``: a program that restarts itself when it is asked to over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from sidecar.adapters.restart.drivers.driver import Life
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.servers import InvalidUrl, ServerList

if TYPE_CHECKING:
    import aiohttp

LOOK_AGAIN = 3.0
"""Seconds between two questions whether it still lives the same life: nothing tells of its end."""

_LONGEST_ANSWER = 1 << 20
_LONGEST_WORDS = 500
_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; the token in --endpoint-token-file is not the program's",
    HTTPStatus.NOT_FOUND: "; there is nothing at this path: see --endpoint-url and --endpoint-status",
    HTTPStatus.METHOD_NOT_ALLOWED: "; see --endpoint-url and --endpoint-status",
}


@dataclass(frozen=True, slots=True)
class EndpointDriver:
    """POSTs to ``url``; ``status`` answers what is loaded. `docs/hot-reload.md` is the contract of both.

    The token is read anew for each request, as it may be renewed.
    """

    url: str
    status: str
    token_file: Path
    replaces: bool = True
    keeps_stopped: bool = False

    @property
    def what(self) -> str:
        return f"the program at {self.url}"

    async def look(self) -> Life | None:
        answer = await self._ask("GET", self.status)
        return None if answer is None else _life(self.status, answer)

    async def restart(self, life: Life | None, servers: ServerList) -> None:  # noqa: ARG002 - it reads its file itself
        # One that is not there is not asked: it may come up at this moment, on the list that its file holds.
        if life is None or await self._ask("POST", self.url) is None:
            raise DriverTrouble(f"nobody answers at {self.url}; whoever launches the program has to start it")

    async def stop(self) -> None:
        raise DriverTrouble(f"{self.what} can be asked to restart, not to stop")

    async def ended(self, life: Life) -> None:  # noqa: ARG002 - each look tells
        await anyio.sleep(LOOK_AGAIN)

    async def _ask(self, method: str, url: str) -> bytes | None:
        """The body of a good answer; None where nobody listens. Raises `DriverTrouble`."""
        import aiohttp  # noqa: PLC0415 - not before the process could have been started

        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            async with (
                aiohttp.ClientSession(trust_env=False) as session,
                session.request(method, url, headers=headers, allow_redirects=False) as response,
            ):
                return await _good_answer(method, url, response)
        except aiohttp.ClientConnectorError as exc:
            if isinstance(exc.os_error, ConnectionRefusedError):
                return None
            raise DriverTrouble(f"{url}: {exc.strerror or exc}") from exc
        except aiohttp.ServerDisconnectedError:
            return None  # it ended while it was asked
        except (aiohttp.ClientError, OSError) as exc:
            raise DriverTrouble(f"{method} {url}: {str(exc) or type(exc).__name__}") from exc

    def _token(self) -> str:
        try:
            token = self.token_file.read_text(encoding="ascii").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise DriverTrouble(
                f"the token cannot be read: {exc}; the program makes the file when it starts, or name it "
                "to both with --endpoint-token-file"
            ) from exc
        if not token:
            raise DriverTrouble(f"{self.token_file} is empty; its first line must be the token")
        if not token.isprintable() or " " in token:
            raise DriverTrouble(f"the first line of {self.token_file} is no token: write letters and digits")
        return token


async def _good_answer(method: str, url: str, response: aiohttp.ClientResponse) -> bytes:
    if response.status in range(200, 300):
        return await _read(response)
    advice = _ADVICE.get(response.status, "")
    raise DriverTrouble(f"{method} {url} is answered {response.status} {response.reason}{advice}")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, which may come in pieces; of one without an end, its beginning."""
    body = b""
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _LONGEST_ANSWER:
            break
    return body


def _life(url: str, answer: bytes) -> Life:
    try:
        document: Any = json.loads(answer)
        pid, generation = document.get("pid"), document.get("generation")
        # The first process of a container has the same number in each life.
        started = document.get("startedAt")
        listed = document.get("FederatedServers")
        loaded = None if listed is None else ServerList.parse(listed)
    except (ValueError, AttributeError, TypeError, InvalidUrl, RecursionError) as exc:
        raise DriverTrouble(f"{url} answers what is no status: {exc}") from exc
    name = "" if pid is None and generation is None else _plain(f"{pid} {generation} {started}")
    state = document.get("state", "running")
    unready = (
        "" if state == "running" else f"it says that it is {state}: {document.get('reason', '')}".rstrip(": ")
    )
    return Life(name, pid if isinstance(pid, int) else None, None, loaded, _plain(unready))


def _plain(text: str) -> str:
    """What a program said, so that it can be kept and shown: half a character cannot."""
    return text[:_LONGEST_WORDS].encode(errors="replace").decode()
