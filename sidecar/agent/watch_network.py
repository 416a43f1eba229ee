"""Carries what etcd says about this node and the list onto the board."""

from __future__ import annotations

import logging
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.agent.list_and_watch import list_and_watch
from sidecar.agent.reporting.instance import Instance
from sidecar.domain.errors import BadRecord
from sidecar.domain.node.facts import applicable_verdict
from sidecar.domain.records.canonical import Canonical, why_untrusted
from sidecar.domain.records.encoding import R, decode
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.membership import Verdict
from sidecar.domain.records.report import NodeLocation
from sidecar.domain.records.rollout import Exemption, Grant, RolloutBlock
from sidecar.domain.records.store import Entry, Listing
from sidecar.logs import event
from sidecar.ports import Store

log = logging.getLogger(__name__)

CONFLICT_EVENT = "another node claims what this one has"

FIRST_ACTION_TIMEOUT = 1.0
"""Seconds that acting on the first listing may take before the stream is opened beside it."""


async def watch_network(*, store: Store, keys: Keys, board: Board, instance: Instance) -> NoReturn:
    """Keep what the board says of the list, and of this node's part in the network, as it is in etcd."""
    node = instance.identity.node_id
    logged: set[Entry] = set()

    def on_listing(listing: Listing) -> None:
        if board.view.store_unreachable:
            event(log, logging.INFO, "etcd answers again")
        if not board.view.synced:
            # Before anything is started; later the reporter looks after it.
            board.update(node_id_conflict=instance.why_node_id_taken(listing.entries.get(keys.report(node))))
        canonical, doubt = _accept_canonical(listing, keys, board)
        conflicts = _conflicts(listing)
        for rival in set(conflicts) - set(board.view.conflicts):
            event(log, logging.ERROR, CONFLICT_EVENT, node_id=rival.node_id, where=str(rival))
        board.update(
            synced=True,
            store_unreachable=False,
            canonical=canonical,
            untrusted_reason=doubt,
            verdict=applicable_verdict(
                board.view, _decode_or_log(Verdict, listing.entries.get(keys.verdict(node)), logged)
            ),
            grant=_decode_or_log(Grant, listing.entries.get(keys.grant(node)), logged),
            pause=_decode_or_log(Exemption, listing.entries.get(keys.pause(node)), logged),
            conflicts=conflicts,
            rollout_block=_decode_or_log(RolloutBlock, listing.entries.get(keys.rollout_block), logged),
        )

    def _conflicts(listing: Listing) -> tuple[NodeLocation, ...]:
        """Who claims what this node has; where it was itself not given its NodeID, it is one of them."""
        own = keys.conflict(node, instance.id)
        listed = sorted(listing.entries.items())
        claims = (entry for key, entry in listed if key in keys.conflict_range(node) and key != own)
        found = (_decode_or_log(NodeLocation, entry, logged) for entry in claims)
        return tuple(each for each in found if each and not each.is_as(instance.location))

    def on_error(exc: Exception) -> None:
        board.increment("store_errors")
        if not board.view.store_unreachable:
            event(log, logging.WARNING, "etcd does not answer", error=str(exc))
        board.update(store_unreachable=True)

    async def before_watch() -> None:
        # The stream's client takes 0.2 s to import; a process that can start should not wait for that.
        with anyio.move_on_after(FIRST_ACTION_TIMEOUT):
            await board.wait_until(lambda: board.idle)

    name = (Range(keys.report(node)),)
    await list_and_watch(
        store,
        *keys.ranges_of_node(node),
        list_only=name,
        on_listing=on_listing,
        on_error=on_error,
        before_watch=before_watch,
    )


def _accept_canonical(listing: Listing, keys: Keys, board: Board) -> tuple[Canonical | None, str | None]:
    """Return the canonical list to obey, and why it is not the newest one, if it is not."""
    accepted, applied = board.view.canonical, board.view.last_known_good
    entry = listing.entries.get(keys.canonical)
    if entry is None:
        return accepted, "it is gone from etcd" if accepted else None
    try:
        proposed = decode(Canonical, entry.value, entry.key)
    except BadRecord as exc:
        doubt: str | None = str(exc)
    else:
        trusted = accepted or applied
        doubt = why_untrusted(proposed, trusted.servers if trusted else None)
        if doubt is None:
            return proposed, None
    if doubt != board.view.untrusted_reason:
        event(log, logging.ERROR, "the canonical list is not obeyed", why=doubt)
    return accepted, doubt


def _decode_or_log(cls: type[R], entry: Entry | None, logged: set[Entry]) -> R | None:
    """The record in ``entry``; None, told of once, where it cannot be read."""
    if entry is None:
        return None
    try:
        return decode(cls, entry.value, entry.key)
    except BadRecord as exc:
        if entry not in logged:
            event(log, logging.ERROR, "record ignored", error=str(exc))
        logged.add(entry)
        return None
