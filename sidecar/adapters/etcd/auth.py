"""Authentication: a user and password, exchanged for a token that etcd may refuse at any time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from sidecar.adapters.etcd.codec import Json
from sidecar.adapters.etcd.errors import Rejected
from sidecar.adapters.etcd.request import Attempt, Request
from sidecar.adapters.etcd.transport.transport import Transport
from sidecar.config import EtcdSettings

NO_TOKEN = ""

_T = TypeVar("_T")


class Authenticator:
    """Sends requests with a token, and renews it when etcd refuses it.

    A token ends with its time to live, a change of users, or a restart of the member; only a refusal shows
    it. That comes before anything is done, so even a commit may then be sent again.
    """

    def __init__(self, transport: Transport, settings: EtcdSettings) -> None:
        self._transport = transport
        self._user = settings.user
        self._password = settings.password
        self._token: str | None = NO_TOKEN if settings.user is None else None
        self._renewal_lock = anyio.Lock()

    async def post(self, request: Request, attempt: Attempt) -> Json:
        """Return etcd's answer. Raises `NoAnswer` and `Rejected`."""
        return await self.with_token(attempt, lambda token: self._transport.post(request, attempt, token))

    async def with_token(
        self,
        attempt: Attempt,
        use: Callable[[str], Awaitable[_T]],
        *,
        wants_renewal: Callable[[Rejected], bool] = lambda rejection: rejection.needs_new_token,
    ) -> _T:
        """Return what ``use`` makes of a token, trying a second one if the first was ``wants_renewal``."""
        token = await self._current_token(attempt)
        try:
            return await use(token)
        except Rejected as rejection:
            if self._user is None or not wants_renewal(rejection):
                raise
        return await use(await self._renew_token(attempt, instead_of=token))

    async def _current_token(self, attempt: Attempt) -> str:
        if self._token is None:
            return await self._renew_token(attempt, instead_of=None)
        return self._token

    async def _renew_token(self, attempt: Attempt, *, instead_of: str | None) -> str:
        """A token newer than the one that was refused; calls at the same time share it."""
        async with self._renewal_lock:
            if self._token is None or self._token == instead_of:
                self._token = await self._authenticate(attempt)
            return self._token

    async def _authenticate(self, attempt: Attempt) -> str:
        body = {"name": self._user, "password": self._password}
        try:
            answer = await self._transport.post(Request("auth/authenticate", body), attempt)
        except Rejected as refusal:
            if refusal.authentication_disabled:
                return NO_TOKEN  # a user is set, but this etcd needs none; etcdctl continues, too
            raise
        return str(answer["token"])
