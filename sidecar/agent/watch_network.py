"""Records on the board what etcd holds for this node."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.agent.list_and_watch import list_and_watch
from sidecar.agent.reporting.instance import Instance
from sidecar.domain.errors import BadRecord
from sidecar.domain.node.changes import applicable_verdict
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

CONFLICT_EVENT = "NodeID or URL conflict with another node"

FIRST_ACTION_TIMEOUT = 1.0
"""Seconds that acting on the first listing may take before the stream is opened alongside."""


async def watch_network(*, store: Store, keys: Keys, board: Board, instance: Instance) -> NoReturn:
    """Keep the board's network as etcd has it: the canonical list, and the records of this node."""
    node = instance.identity.node_id
    logged: set[Entry] = set()

    def on_listing(listing: Listing) -> None:
        if board.view.network.store_unreachable:
            event(log, logging.INFO, "etcd answers again")
        if not board.view.network.synced:
            # Before anything is started; later the reporter keeps this field.
            board.set_node_id_taken_reason(instance.why_node_id_taken(listing.entries.get(keys.report(node))))
        canonical, untrusted_reason = _accept_canonical(listing, keys, board)
        claimants = _claimants(listing)
        for claimant in set(claimants) - set(board.view.network.claimants):
            event(log, logging.ERROR, CONFLICT_EVENT, node_id=claimant.node_id, where=str(claimant))
        verdict = _decode_or_log(Verdict, listing.entries.get(keys.verdict(node)), logged)
        board.set_network(
            replace(
                board.view.network,
                synced=True,
                store_unreachable=False,
                canonical=canonical,
                untrusted_reason=untrusted_reason,
                verdict=applicable_verdict(board.view, verdict),
                grant=_decode_or_log(Grant, listing.entries.get(keys.grant(node)), logged),
                pause=_decode_or_log(Exemption, listing.entries.get(keys.pause(node)), logged),
                claimants=claimants,
                rollout_block=_decode_or_log(RolloutBlock, listing.entries.get(keys.rollout_block), logged),
            )
        )

    def _claimants(listing: Listing) -> tuple[NodeLocation, ...]:
        """Return the nodes that claim this one's NodeID or URL, except for this node's own claims."""
        own = keys.conflict(node, instance.id)
        listed = sorted(listing.entries.items())
        claims = (entry for key, entry in listed if key in keys.conflict_range(node) and key != own)
        found = (_decode_or_log(NodeLocation, entry, logged) for entry in claims)
        return tuple(each for each in found if each and not each.is_as(instance.location))

    def on_error(exc: Exception) -> None:
        board.increment("store_errors")
        if not board.view.network.store_unreachable:
            event(log, logging.WARNING, "etcd does not answer", reason=str(exc))
        board.set_store_unreachable()

    async def before_watch() -> None:
        # The stream's client takes 0.2 s to import; a process that may start should not wait for that.
        with anyio.move_on_after(FIRST_ACTION_TIMEOUT):
            await board.wait_until(lambda: board.idle)

    own_report = Range(keys.report(node))
    await list_and_watch(
        store,
        *keys.ranges_of_node(node),
        list_only=(own_report,),
        on_listing=on_listing,
        on_error=on_error,
        before_watch=before_watch,
    )


def _accept_canonical(listing: Listing, keys: Keys, board: Board) -> tuple[Canonical | None, str | None]:
    """Return the canonical list to follow, and why it is not the newest one, if it is not."""
    accepted, last_known_good = board.view.network.canonical, board.view.last_known_good
    entry = listing.entries.get(keys.canonical)
    if entry is None:
        return accepted, "it is gone from etcd" if accepted else None
    try:
        proposed = decode(Canonical, entry.value, entry.key)
    except BadRecord as exc:
        why: str | None = str(exc)
    else:
        trusted = accepted or last_known_good
        why = why_untrusted(proposed, trusted.servers if trusted else None)
        if why is None:
            return proposed, None
    if why != board.view.network.untrusted_reason:
        event(log, logging.ERROR, "canonical list rejected", reason=why)
    return accepted, why


def _decode_or_log(cls: type[R], entry: Entry | None, logged: set[Entry]) -> R | None:
    """Return the record in ``entry``; None if it cannot be read, which is logged once."""
    if entry is None:
        return None
    try:
        return decode(cls, entry.value, entry.key)
    except BadRecord as exc:
        if entry not in logged:
            event(log, logging.ERROR, "record ignored", reason=str(exc))
        logged.add(entry)
        return None
