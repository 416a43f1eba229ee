"""How long the loops wait before they retry a call that the store did not answer."""

from __future__ import annotations

import random

import anyio

from sidecar.domain.node.process import Backoff

_BACKOFF = Backoff(first=0.2, cap=5.0)


async def back_off(failures: int) -> None:
    """Wait after ``failures`` in a row (1 or more); jitter keeps the nodes from retrying in step."""
    jitter = random.random()  # noqa: S311 - it spreads load, and protects nothing
    await anyio.sleep(_BACKOFF.delay(failures, jitter))
