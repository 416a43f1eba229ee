"""Follow ranges of the store: list, stream from the next revision, and list again when the stream breaks."""

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
    """Call ``on_listing`` with the state of ``ranges``, first and after every change, until cancelled.

    ``list_only`` is read with each listing, but not followed. ``on_error`` is called when the stream breaks.
    A state may be passed twice; the last one is always passed. Streaming begins when ``before_watch``
    returns, from the revision of the listing, so no change is missed.
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
