"""Following ranges of the store: list, then stream from the next revision, list again when that breaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NoReturn

import anyio
import anyio.lowlevel

from sidecar.agent.backoff import back_off
from sidecar.domain.errors import StoreRefused, StoreUnavailable
from sidecar.domain.records.keys import Range
from sidecar.domain.records.store import Listing
from sidecar.ports import Store


async def follow(
    store: Store,
    *ranges: Range,
    also: tuple[Range, ...] = (),
    seen: Callable[[Listing], None],
    lost: Callable[[Exception], None],
    handled: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
) -> NoReturn:
    """Call ``seen`` with the state of ``ranges``, at first and after every change, for ever.

    What is in ``also`` is read with them, and not followed. ``lost`` hears of each break in between. A state
    may be seen twice; the last one is always seen. Streaming begins when ``handled`` returns; what happens
    until then is streamed all the same.
    """
    failures = 0
    while True:
        try:
            listing = await store.read(*ranges, *also)
            seen(listing)
            await handled()
            async with store.watch(*ranges, after=listing.revision) as batches:
                failures = 0
                async for batch in batches:
                    listing = listing.applying(batch)
                    seen(listing)
        except (StoreUnavailable, StoreRefused) as exc:
            lost(exc)
        failures += 1
        await back_off(failures)
