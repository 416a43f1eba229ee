"""What the commands that talk to etcd share: settings, the store, and a snapshot of the network."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial

import anyio

from sidecar import logs
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.messages import no_list_message
from sidecar.cli.shared.parser import flags_of
from sidecar.config import NetworkSettings, load_network
from sidecar.domain.errors import BadRecord, StoreUnavailable, Transient
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.encoding import decode
from sidecar.domain.records.keys import Keys, Range
from sidecar.domain.records.membership import Candidate
from sidecar.domain.records.store import Listing, Revision
from sidecar.domain.servers import NodeID
from sidecar.ports import Store

log = logging.getLogger("sidecar.cli")


@dataclass(frozen=True, slots=True)
class Leadership:
    """The leader. ``term`` is the create revision of its key."""

    candidate: Candidate
    term: Revision


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything in etcd about a network, as of one revision; ``unreadable`` lists what was left out."""

    network: Network
    leadership: Leadership | None
    unreadable: tuple[str, ...] = ()

    @property
    def leader(self) -> NodeID | None:
        return self.leadership.candidate.node_id if self.leadership else None


Work = Callable[[Store, Keys], Awaitable[int]]


def run_with_store(arguments: argparse.Namespace, context: CommandContext, work: Work) -> int:
    """Run ``work`` with an open store and the network's keys; return its exit code."""
    settings = load_network(flags_of(arguments), context.environ, context.folder)
    logs.configure(
        settings.logging.format, settings.logging.level, stream=context.err, environ=context.environ
    )
    return anyio.run(partial(_with_store, settings, context, work))


async def _with_store(settings: NetworkSettings, context: CommandContext, work: Work) -> int:
    try:
        async with context.open_store(settings.etcd) as store:
            return await work(store, Keys(settings.network))
    except StoreUnavailable as exc:
        raise StoreUnavailable(f"{exc}; check that etcd runs and that --etcd is right") from exc


async def read_snapshot(store: Store, keys: Keys, *more: Range) -> Snapshot:
    """Read the whole network, and the ranges in ``more``.

    A record that cannot be decoded is left out, with a warning in the log.
    """
    snapshot = parse_snapshot(keys, await store.read(*snapshot_ranges(keys), *more))
    warn_unreadable(snapshot.unreadable)
    return snapshot


def snapshot_ranges(keys: Keys) -> tuple[Range, ...]:
    """The ranges that a `Snapshot` is made from."""
    return (*keys.ranges_of_leader(), keys.candidate_range())


def parse_snapshot(keys: Keys, listing: Listing) -> Snapshot:
    """The snapshot in ``listing``, which is of `snapshot_ranges`."""
    network = read_network(keys, listing)
    leadership, problem = _parse_leadership(keys, listing)
    return Snapshot(network, leadership, (*network.unreadable, *([problem] if problem else [])))


def warn_unreadable(unreadable: Iterable[str]) -> None:
    """Log which records are left out."""
    for problem in unreadable:
        logs.event(log, logging.WARNING, "record ignored", reason=problem)


def require_canonical(snapshot: Snapshot) -> Canonical:
    """The canonical list. Raises `Transient` where there is none."""
    network = snapshot.network
    if network.canonical is None:
        raise Transient(no_list_message(network.keys))
    return network.canonical


def _parse_leadership(keys: Keys, listing: Listing) -> tuple[Leadership | None, str]:
    """The leader, and the problem with its record."""
    candidates = [entry for key, entry in listing.entries.items() if key in keys.candidate_range()]
    if not candidates:
        return None, ""
    first = min(candidates, key=lambda entry: entry.create_revision)
    try:
        return Leadership(decode(Candidate, first.value, first.key), first.create_revision), ""
    except BadRecord as exc:
        return None, f"the leader's record cannot be read: {exc}"
