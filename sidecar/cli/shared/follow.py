"""Follow a whole network with etcd's watch, for the commands that show changes as they happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

import anyio

from sidecar.agent.list_and_watch import list_and_watch
from sidecar.cli.shared.snapshot import Snapshot, parse_snapshot, snapshot_ranges, warn_unreadable
from sidecar.domain.printing import printable
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.store import Listing
from sidecar.ports import Store


async def follow_network(
    store: Store, keys: Keys, *more: Range, on_snapshot: Callable[[Snapshot], bool], err: TextIO
) -> None:
    """Call ``on_snapshot`` with the network now and after every change, until it returns True.

    An outage of etcd is reported on ``err`` once, and waited out.
    """
    warned, is_unreachable = set[str](), False

    def listed(listing: Listing) -> None:
        nonlocal is_unreachable
        is_unreachable = False
        snapshot = parse_snapshot(keys, listing)
        warn_unreadable(problem for problem in snapshot.unreadable if problem not in warned)
        warned.update(snapshot.unreadable)
        if not scope.cancel_called and on_snapshot(snapshot):
            scope.cancel()

    def lost(exc: Exception) -> None:
        nonlocal is_unreachable
        if not is_unreachable:
            note(err, f"{exc}; trying again")
        is_unreachable = True

    with anyio.CancelScope() as scope:
        await list_and_watch(store, *snapshot_ranges(keys), *more, on_listing=listed, on_error=lost)


def note(err: TextIO, text: str) -> None:
    """Print a note while the command continues."""
    print(f"sidecar: {printable(text)}", file=err, flush=True)
