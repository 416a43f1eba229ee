"""How long the loops wait before they ask a store again that did not answer."""

from __future__ import annotations

import random

import anyio

from sidecar.domain.node.process import Backoff

_BACKOFF = Backoff(first=0.2, cap=5.0)


async def back_off(failures: int) -> None:
    """Wait as long as after ``failures`` in a row (1 or more), jittered so that not all ask at once."""
    jitter = random.random()  # noqa: S311 - it spreads load, and guards nothing
    await anyio.sleep(_BACKOFF.delay(failures, jitter))
