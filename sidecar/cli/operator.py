"""What the verbs that talk to etcd share: settings, the store, and one look at the whole network."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import anyio

from sidecar import logs
from sidecar.cli.parsing import flags_of
from sidecar.cli.world import World
from sidecar.config import NetworkSettings, load_network
from sidecar.domain.errors import BadRecord, StoreUnavailable
from sidecar.domain.keys import Keys
from sidecar.domain.membership import Candidate
from sidecar.domain.network import Network, read_network
from sidecar.domain.records import decode
from sidecar.domain.store import Listing, Revision
from sidecar.ports import Store

log = logging.getLogger("sidecar.cli")


@dataclass(frozen=True, slots=True)
class Leadership:
    """Who leads. ``term`` is the create revision of its key."""

    candidate: Candidate
    term: Revision


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything in etcd about a network, as of one revision."""

    network: Network
    leadership: Leadership | None


Work = Callable[[Store, Keys], Awaitable[int]]


def at_work(namespace: argparse.Namespace, world: World, work: Work) -> int:
    """Run ``work`` with an open store and the network's keys; return its exit code."""
    settings = load_network(flags_of(namespace), world.environ, world.folder)
    logs.set_up(settings.log_format, settings.log_level, stream=world.err, environ=world.environ)
    return anyio.run(partial(_with_store, settings, world, work))


async def _with_store(settings: NetworkSettings, world: World, work: Work) -> int:
    try:
        async with world.open_store(settings.access) as store:
            return await work(store, Keys(settings.network))
    except StoreUnavailable as exc:
        raise StoreUnavailable(f"{exc}; is etcd up, and --etcd right?") from exc


async def look(store: Store, keys: Keys) -> Sight:
    """Read the whole network. What cannot be decoded is left out, with a warning in the log."""
    listing = await store.read(*keys.of_leader(), keys.candidates())
    network = read_network(keys, listing)
    for problem in network.unreadable:
        logs.event(log, logging.WARNING, "a record in etcd cannot be read", problem=problem)
    return Sight(network, _leadership(keys, listing))


def _leadership(keys: Keys, listing: Listing) -> Leadership | None:
    candidates = [entry for key, entry in listing.entries.items() if key in keys.candidates()]
    if not candidates:
        return None
    first = min(candidates, key=lambda entry: entry.created)
    try:
        return Leadership(decode(Candidate, first.value, first.key), first.created)
    except BadRecord as exc:
        logs.event(log, logging.WARNING, "the leader's record cannot be read", problem=str(exc))
        return None
