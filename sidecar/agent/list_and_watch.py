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


async def list_and_watch(
    store: Store,
    *ranges: Range,
    list_only: tuple[Range, ...] = (),
    on_listing: Callable[[Listing], None],
    on_error: Callable[[Exception], None],
    before_watch: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
) -> NoReturn:
    """Call ``on_listing`` with the state of ``ranges``, at first and after every change, for ever.

    What is in ``list_only`` is read with them, and not followed. ``on_error`` hears of each break in between.
    A state may be seen twice; the last one is always seen. Streaming begins when ``before_watch`` returns;
    what happens until then is streamed all the same.
    """
    failures = 0
    while True:
        try:
            listing = await store.read(*ranges, *list_only)
            on_listing(listing)
            await before_watch()
            async with store.watch(*ranges, after=listing.revision) as batches:
                failures = 0
                async for batch in batches:
                    listing = listing.applying(batch)
                    on_listing(listing)
        except (StoreUnavailable, StoreRefused) as exc:
            on_error(exc)
        failures += 1
        await back_off(failures)
