"""What is asked of etcd, and the time one try has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import anyio

from sidecar.adapters.etcd.codec import Json
from sidecar.adapters.etcd.endpoints import Endpoint

# Spelled out, or etcd3gw would make a request to discover it.
API_PATH = "/v3/"


@dataclass(frozen=True, slots=True)
class Request:
    """A call of the gateway: ``path`` below ``/v3/``; ``idempotent``: no harm if etcd gets it twice."""

    path: str
    body: Json
    idempotent: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one endpoint: by when it is connected, and by when answered (`anyio.current_time`)."""

    endpoint: Endpoint
    connect_deadline: float
    answer_deadline: float


def share_timeout(order: Sequence[Endpoint], timeout: float, *, idempotent: bool = True) -> Iterator[Attempt]:
    """One attempt at each endpoint in turn, sharing out what is left of ``timeout`` when it is reached.

    What cannot be repeated cannot move to another endpoint once it was sent, so it may wait to the end.
    """
    deadline = anyio.current_time() + timeout
    for position, endpoint in enumerate(order):
        now = anyio.current_time()
        if now >= deadline:
            return
        share = now + (deadline - now) / (len(order) - position)
        yield Attempt(endpoint, share, share if idempotent else deadline)
