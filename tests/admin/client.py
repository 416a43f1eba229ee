"""A served status, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from sidecar.admin.listening import bound_address, listen
from sidecar.admin.server import serve
from sidecar.config import Address
from sidecar.domain.node.status import Status
from tests.admin.statuses import RUNNING

ANY_PORT = Address("127.0.0.1", 0)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: str
    headers: dict[str, str]


@dataclass(slots=True)
class Api:
    """A served status that tests may change, and a client of it."""

    status: Status
    address: Address
    session: aiohttp.ClientSession

    async def ask(self, path: str, method: str = "GET", host: str | None = None) -> Reply:
        headers = {"Host": host} if host else {}
        url = f"http://{self.address}{path}"
        async with self.session.request(method, url, headers=headers) as response:
            return Reply(response.status, await response.text(), dict(response.headers))


@asynccontextmanager
async def api(status: Status = RUNNING, address: Address = ANY_PORT) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        listener = listen(address)
        served = Api(status, bound_address(listener), session)
        async with serve(lambda: served.status, listener):
            yield served
