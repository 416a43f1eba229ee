"""Carries what etcd says about this node and the list onto the board."""

from __future__ import annotations

import logging
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.agent.list_and_watch import follow
from sidecar.agent.reporter import Herald, name_taken
from sidecar.domain.errors import BadRecord
from sidecar.domain.node.view import heard
from sidecar.domain.records.canonical import Canonical, distrust
from sidecar.domain.records.encoding import R, decode
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.membership import Verdict
from sidecar.domain.records.report import Whereabouts
from sidecar.domain.records.rollout import Exemption, Grant, Standstill
from sidecar.domain.records.store import Entry, Listing
from sidecar.logs import event
from sidecar.ports import Store

log = logging.getLogger(__name__)

CONTESTED = "another node claims what this one has"

HEAD_START = 1.0
"""Seconds that acting on the first listing may take before the stream is opened beside it."""


async def observe(*, store: Store, keys: Keys, board: Board, herald: Herald) -> NoReturn:
    """Keep what the board says of the list, and of this node's part in the network, as it is in etcd."""
    node = board.view.identity.node_id
    ignored: set[Entry] = set()

    def seen(listing: Listing) -> None:
        if board.view.away:
            event(log, logging.INFO, "etcd answers again")
        if not board.view.listed:
            # Before anything is started: from then on the herald sees to it.
            held = listing.entries.get(keys.report(node))
            board.update(taken=name_taken(held, herald.whereabouts(), herald.instance))
        canonical, doubt = _believe(listing, keys, board)
        rivals = _rivals(listing)
        for rival in set(rivals) - set(board.view.rivals):
            event(log, logging.ERROR, CONTESTED, node_id=rival.node_id, where=str(rival))
        board.update(
            listed=True,
            away=False,
            canonical=canonical,
            distrust=doubt,
            verdict=heard(board.view, _read(Verdict, listing.entries.get(keys.verdict(node)), ignored)),
            grant=_read(Grant, listing.entries.get(keys.grant(node)), ignored),
            pause=_read(Exemption, listing.entries.get(keys.pause(node)), ignored),
            rivals=rivals,
            standstill=_read(Standstill, listing.entries.get(keys.standstill), ignored),
        )

    def _rivals(listing: Listing) -> tuple[Whereabouts, ...]:
        """Who claims what this node has; where it was itself not given its NodeID, it is one of them."""
        own = keys.rival(node, herald.instance)
        listed = sorted(listing.entries.items())
        claims = (entry for key, entry in listed if key in keys.rivals(node) and key != own)
        found = (_read(Whereabouts, entry, ignored) for entry in claims)
        return tuple(each for each in found if each and not each.is_as(herald.whereabouts()))

    def lost(exc: Exception) -> None:
        board.count("store_errors")
        if not board.view.away:
            event(log, logging.WARNING, "etcd does not answer", error=str(exc))
        board.update(away=True)

    async def handled() -> None:
        # The stream's client takes 0.2 s to import; a process that can start should not wait for that.
        with anyio.move_on_after(HEAD_START):
            await board.until(lambda: board.at_rest)

    name = (Range(keys.report(node)),)
    await follow(store, *keys.of_node(node), also=name, seen=seen, lost=lost, handled=handled)


def _believe(listing: Listing, keys: Keys, board: Board) -> tuple[Canonical | None, str | None]:
    """Return the canonical list to obey, and why it is not the newest one, if it is not."""
    obeyed, applied = board.view.canonical, board.view.applied
    entry = listing.entries.get(keys.canonical)
    if entry is None:
        return obeyed, "it is gone from etcd" if obeyed else None
    try:
        proposed = decode(Canonical, entry.value, entry.key)
    except BadRecord as exc:
        doubt: str | None = str(exc)
    else:
        trusted = obeyed or applied
        doubt = distrust(proposed, trusted.servers if trusted else None)
        if doubt is None:
            return proposed, None
    if doubt != board.view.distrust:
        event(log, logging.ERROR, "the canonical list is not obeyed", why=doubt)
    return obeyed, doubt


def _read(cls: type[R], entry: Entry | None, ignored: set[Entry]) -> R | None:
    """The record in ``entry``; None, told of once, where it cannot be read."""
    if entry is None:
        return None
    try:
        return decode(cls, entry.value, entry.key)
    except BadRecord as exc:
        if entry not in ignored:
            event(log, logging.ERROR, "a record is ignored", error=str(exc))
        ignored.add(entry)
        return None
