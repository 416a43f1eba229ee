"""Leading: standing for election when this node may, and carrying out the leader's decision."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.agent.dependencies import World
from sidecar.agent.election import Ballot
from sidecar.agent.list_and_watch import follow
from sidecar.domain.errors import LeaseLost
from sidecar.domain.leader.decide import Leader, Step, decide, held_up, look_again
from sidecar.domain.leader.requests import to_probe
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.network.transaction import NEVER, Term
from sidecar.domain.node.view import may_lead, own_list
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Request, RequestKind
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.records.store import Listing, Revision
from sidecar.logs import event

log = logging.getLogger(__name__)

TIDY = 60.0
"""Seconds after which the leader looks again where nothing happens: some answers are kept for a while."""

SOON = 0.01
"""Seconds that it rests at least: the wall clock may say that a time has come a little late."""


async def lead_when_elected(ballot: Ballot, *, keys: Keys, board: Board, world: World) -> NoReturn:
    """Stand whenever this node may, lead when elected, resign when it may not any more."""
    # A sidecar that was executed anew leads on: whether it may is not known before it has read the network.
    await board.until(lambda: board.view.listed)
    if not may_lead(board.view):
        await ballot.resign()  # an earlier resignation may have been lost with the connection
    while True:
        await board.until(lambda: may_lead(board.view))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_serve, ballot, keys, board, world)
            await board.until(lambda: not may_lead(board.view))
            tasks.cancel_scope.cancel()
        await ballot.resign()


async def _serve(ballot: Ballot, keys: Keys, board: Board, world: World) -> None:
    term = await ballot.win()
    event(log, logging.INFO, "leading", term=term.created)
    board.leads(term)
    try:
        await _Leadership(ballot, term, keys, board, world).run()
    finally:
        board.leads(None)
        event(log, logging.INFO, "leading no more", term=term.created)


@dataclass(slots=True)
class _Leadership:
    """One term: the network as it is known, and what has been written to it."""

    ballot: Ballot
    term: Term
    keys: Keys
    board: Board
    world: World
    listing: Listing | None = None
    written: Revision = NEVER
    complaint: str | None = None
    ignored: frozenset[str] = frozenset()
    probed: dict[tuple[str, AdmissionProbe], str] = field(default_factory=dict)
    """What was found at the URLs of the newcomers that ask now: `answers.Case.probed`."""
    newcomers: frozenset[str] = frozenset()
    arrived: float = 0.0
    """When the latest of them was first seen, in seconds since the epoch."""
    news: anyio.Event = field(default_factory=anyio.Event)
    seen: anyio.Event = field(default_factory=anyio.Event)

    async def run(self) -> None:
        """Lead until cancelled, or until `LeaseLost`."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._follow)
            tasks.start_soon(self._wake_with_the_board)
            tasks.start_soon(self._probe_newcomers)
            while True:
                self.news = anyio.Event()
                if not await self._step():
                    with anyio.move_on_after(self._rest()):
                        await self.news.wait()

    async def _follow(self) -> NoReturn:
        def seen(listing: Listing) -> None:
            self.listing = listing
            self.news.set()
            self.seen.set()

        def lost(exc: Exception) -> None:
            self.written = NEVER  # an etcd that comes back from a backup counts from an older revision
            # A level lower than what `observe` says of the same outage, at each try.
            event(log, logging.DEBUG, "the leader cannot see the network", error=str(exc))

        await follow(self.ballot.store, *self.keys.of_leader(), seen=seen, lost=lost)

    async def _wake_with_the_board(self) -> NoReturn:
        """The decision is also made from what this node obeys."""
        while True:
            await self.board.changed()
            self.news.set()

    async def _probe_newcomers(self) -> NoReturn:
        """Look at each newcomer's URL once for each of its attempts, where the policy wants that."""
        while True:
            self.seen = anyio.Event()
            if self.listing is not None:
                await self._probe_all(read_network(self.keys, self.listing))
            await self.seen.wait()

    async def _probe_all(self, network: Network) -> None:
        kind = network.policy.admission_probe
        asking = {(each.attempt, kind): each for each in to_probe(network)}
        self.probed = {key: found for key, found in self.probed.items() if key in asking}
        async with anyio.create_task_group() as tasks:
            for key in asking.keys() - self.probed.keys():
                tasks.start_soon(self._probe, asking[key], kind)

    async def _probe(self, request: Request, kind: AdmissionProbe) -> None:
        if request.url:
            found = await self.world.ask_newcomer(request.url, request.subject, kind)
            self.probed[request.attempt, kind] = found
            self.news.set()

    async def _step(self) -> bool:
        """Write what is to be written next; False when there is nothing, or it has to be seen first."""
        if self.listing is None or self.listing.revision < self.written:
            return False
        if self._decided(self.listing) is None:
            return False
        # The watch of one range may lag behind another's: a grant, a tombstone that is not seen yet.
        self.listing = await self.ballot.store.read(*self.keys.of_leader())
        step = self._decided(self.listing)
        if step is None:
            return False
        revision = await self.ballot.store.commit(step.transaction)
        if revision is None:
            await self._check_term()
        else:
            self.written = revision
            for reason in step.reasons:
                event(log, logging.INFO, "leader wrote", what=reason)
        return True

    def _rest(self) -> float:
        """Seconds until time alone may have given something to do."""
        if self.listing is None:
            return TIDY
        now = self.world.wall()
        at = look_again(read_network(self.keys, self.listing), self._leader(), now)
        return TIDY if at is None else min(TIDY, max(SOON, at - now))

    def _leader(self) -> Leader:
        view = self.board.view
        return Leader(self.term, own_list(view), view.applied, self.probed, self.arrived)

    def _note_arrivals(self, network: Network) -> None:
        asking = frozenset(r.attempt for r in network.requests.values() if r.kind is RequestKind.JOIN)
        now = self.world.wall()
        if asking - self.newcomers or self.arrived > now:  # the clock may have been set back
            self.arrived = now
        self.newcomers = asking

    def _decided(self, listing: Listing) -> Step | None:
        network = read_network(self.keys, listing)
        self._note_arrivals(network)
        leader = self._leader()
        self._complain(network, leader)
        return decide(network, leader, self.world.wall())

    async def _check_term(self) -> None:
        """The transaction did not hold: this is no longer the leader, or somebody else wrote meanwhile."""
        if not await self.ballot.still_holds(self.term):
            raise LeaseLost(f"{self.term.node_id} leads no more: its candidacy is gone")

    def _complain(self, network: Network, leader: Leader) -> None:
        complaint = held_up(network, leader)
        if complaint and complaint != self.complaint:
            event(log, logging.ERROR, "the leader is held up", why=complaint)
        self.complaint = complaint
        for unreadable in set(network.unreadable) - self.ignored:
            event(log, logging.ERROR, "a record is ignored", error=unreadable)
        self.ignored = frozenset(network.unreadable)
