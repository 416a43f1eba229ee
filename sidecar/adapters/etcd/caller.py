"""A call to etcd: over the endpoints in turn, within one deadline."""

from __future__ import annotations

from sidecar.adapters.etcd.auth import Authenticator
from sidecar.adapters.etcd.codec import Json
from sidecar.adapters.etcd.endpoints import Rotation
from sidecar.adapters.etcd.errors import NoAnswer, Rejected
from sidecar.adapters.etcd.request import Request, share_timeout
from sidecar.domain.errors import StoreUnavailable


class Caller:
    """Does unary calls. Every error that gets out is the domain's."""

    def __init__(self, authenticator: Authenticator, rotation: Rotation, timeout: float) -> None:
        self._authenticator = authenticator
        self._rotation = rotation
        self._timeout = timeout

    async def call(self, doing: str, request: Request) -> Json:
        """Return etcd's answer; ``doing`` begins the message of an error.

        Raises `StoreUnavailable` when no endpoint did it, or when one may have done what must not be done
        twice; `StoreRefused` and `LeaseLost` are etcd's word.
        """
        failures: list[str] = []
        cause: Exception | None = None
        for attempt in share_timeout(self._rotation.order(), self._timeout, idempotent=request.idempotent):
            try:
                return await self._authenticator.post(request, attempt)
            except Rejected as rejection:
                if not rejection.transient:
                    raise rejection.as_domain_error(doing) from rejection
                self._rotation.mark_failed(attempt.endpoint, answered=True)
                cause, sent = rejection, True
            except NoAnswer as failure:
                self._rotation.mark_failed(attempt.endpoint, answered=False)
                cause, sent = failure, not failure.unsent
            failures.append(f"{attempt.endpoint}: {cause}")
            if sent and not request.idempotent:
                failures.append("whether it was done is not known")
                break
        raise StoreUnavailable(f"{doing}: etcd is unavailable: {'; '.join(failures)}") from cause
