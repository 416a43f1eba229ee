"""Following a whole network, for the verbs that watch it: by etcd's watch, not by asking over and over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

import anyio

from sidecar.agent.list_and_watch import follow
from sidecar.cli.shared.snapshot import Sight, ranges_of, sight_of, warn_of
from sidecar.domain.printing import printable
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.store import Listing
from sidecar.ports import Store


async def follow_network(
    store: Store, keys: Keys, *more: Range, seen: Callable[[Sight], bool], err: TextIO
) -> None:
    """Call ``seen`` with the network at first and after every change, until it returns True.

    Outages of etcd are told on ``err``, once each, and waited for.
    """
    warned, away = set[str](), False

    def listed(listing: Listing) -> None:
        nonlocal away
        away = False
        sight = sight_of(keys, listing)
        warn_of(problem for problem in sight.unreadable if problem not in warned)
        warned.update(sight.unreadable)
        if not scope.cancel_called and seen(sight):
            scope.cancel()

    def lost(exc: Exception) -> None:
        nonlocal away
        if not away:
            note(err, f"{exc}; trying again")
        away = True

    with anyio.CancelScope() as scope:
        await follow(store, *ranges_of(keys), *more, seen=listed, lost=lost)


def note(err: TextIO, text: str) -> None:
    """Tell a person something while the verb goes on."""
    print(f"sidecar: {printable(text)}", file=err, flush=True)
