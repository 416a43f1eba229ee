"""The leader's loop: campaign while this node may lead, and carry out the leader's decision."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.agent.dependencies import Dependencies
from sidecar.agent.leadership.election import Candidacy
from sidecar.agent.leadership.newcomers import Newcomers
from sidecar.agent.list_and_watch import list_and_watch
from sidecar.domain.errors import LeaseLost
from sidecar.domain.leader.decide import Step, decide, next_decision_at, why_idle
from sidecar.domain.network.context import Leader
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.network.transaction import Term
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.store import NO_REVISION, Listing, Revision
from sidecar.logs import event

log = logging.getLogger(__name__)

RECHECK_INTERVAL = 60.0
"""Seconds after which the leader decides again even if nothing happened: some outcomes expire."""

MIN_RECHECK_INTERVAL = 0.01
"""Seconds between two decisions at least: the wall clock may reach the expected time a little late."""


async def lead_when_elected(
    candidacy: Candidacy, *, keys: Keys, board: Board, dependencies: Dependencies
) -> NoReturn:
    """Campaign whenever this node may lead, lead when elected, and resign when it no longer may."""
    # A re-executed sidecar is still the leader. Whether it may be is unknown until it has read the network.
    await board.wait_until(lambda: board.view.network.synced)
    if not board.facts.may_campaign:
        await candidacy.resign()  # an earlier resignation may have been lost with the connection
    while True:
        await board.wait_until(lambda: board.facts.may_campaign)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_lead_one_term, candidacy, keys, board, dependencies)
            await board.wait_until(lambda: not board.facts.may_campaign)
            tasks.cancel_scope.cancel()
        await candidacy.resign()


async def _lead_one_term(candidacy: Candidacy, keys: Keys, board: Board, dependencies: Dependencies) -> None:
    term = await candidacy.campaign()
    event(log, logging.INFO, "elected as leader", term=term.create_revision)
    board.set_term(term)
    try:
        await _Leadership(candidacy, term, keys, board, dependencies).run()
    finally:
        board.set_term(None)
        event(log, logging.INFO, "leadership ended", term=term.create_revision)


@dataclass(slots=True)
class _Leadership:
    """One term: the network as last read, and what was written to it."""

    candidacy: Candidacy
    term: Term
    keys: Keys
    board: Board
    dependencies: Dependencies
    listing: Listing | None = None
    last_write: Revision = NO_REVISION
    logged_problem: str | None = None
    logged_records: frozenset[str] = frozenset()
    wakeup: anyio.Event = field(default_factory=anyio.Event)
    listing_changed: anyio.Event = field(default_factory=anyio.Event)
    newcomers: Newcomers = field(init=False)

    def __post_init__(self) -> None:
        self.newcomers = Newcomers(self.dependencies, on_probed=self._wake)

    async def run(self) -> None:
        """Lead until cancelled, or until `LeaseLost`."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._follow_network)
            tasks.start_soon(self._wake_on_board_change)
            tasks.start_soon(self._probe_newcomers)
            while True:
                self.wakeup = anyio.Event()
                if not await self._write_next():
                    with anyio.move_on_after(self._recheck_delay()):
                        await self.wakeup.wait()

    async def _follow_network(self) -> NoReturn:
        def on_listing(listing: Listing) -> None:
            self.listing = listing
            self.wakeup.set()
            self.listing_changed.set()

        def on_error(exc: Exception) -> None:
            # An etcd that was restored from a backup counts from an older revision.
            self.last_write = NO_REVISION
            # Debug, as `watch_network` reports the same outage, and this one repeats at each retry.
            event(log, logging.DEBUG, "leader cannot read the network", reason=str(exc))

        await list_and_watch(
            self.candidacy.store, *self.keys.ranges_of_leader(), on_listing=on_listing, on_error=on_error
        )

    def _wake(self) -> None:
        self.wakeup.set()

    async def _wake_on_board_change(self) -> NoReturn:
        """The decision also depends on the list that this node applied."""
        while True:
            await self.board.wait_for_change()
            self.wakeup.set()

    async def _probe_newcomers(self) -> NoReturn:
        while True:
            self.listing_changed = anyio.Event()
            if self.listing is not None:
                await self.newcomers.probe(read_network(self.keys, self.listing))
            await self.listing_changed.wait()

    async def _write_next(self) -> bool:
        """Write the next step; False when there is none, or the last write is not in the listing yet."""
        if self.listing is None or self.listing.revision < self.last_write:
            return False
        if self._next_step(self.listing) is None:
            return False
        # The watch of one range may lag behind another: a grant or a tombstone may be missing.
        self.listing = await self.candidacy.store.read(*self.keys.ranges_of_leader())
        step = self._next_step(self.listing)
        if step is None:
            return False
        revision = await self.candidacy.store.commit(step.transaction)
        if revision is None:
            await self._check_term()
        else:
            self.last_write = revision
            for reason in step.reasons:
                event(log, logging.INFO, "leader wrote", what=reason)
        return True

    def _recheck_delay(self) -> float:
        """Seconds until the time alone may require a decision."""
        if self.listing is None:
            return RECHECK_INTERVAL
        now = self.dependencies.wall()
        at = next_decision_at(read_network(self.keys, self.listing), self._leader(), now)
        return RECHECK_INTERVAL if at is None else min(RECHECK_INTERVAL, max(MIN_RECHECK_INTERVAL, at - now))

    def _leader(self) -> Leader:
        newcomers = self.newcomers
        return Leader(
            term=self.term,
            bootstrap_list=self.board.facts.bootstrap_list,
            last_known_good=self.board.view.last_known_good,
            probe_results=newcomers.probe_results,
            last_join_at=newcomers.last_join_at,
        )

    def _next_step(self, listing: Listing) -> Step | None:
        network = read_network(self.keys, listing)
        self.newcomers.track(network)
        leader = self._leader()
        self._log_problems(network, leader)
        return decide(network, leader, self.dependencies.wall())

    async def _check_term(self) -> None:
        """The transaction was not applied: the term has ended, or another client wrote in between."""
        if not await self.candidacy.is_current(self.term):
            raise LeaseLost(f"{self.term.node_id} is no longer the leader: its candidacy is gone")

    def _log_problems(self, network: Network, leader: Leader) -> None:
        problem = why_idle(network, leader)
        if problem and problem != self.logged_problem:
            event(log, logging.ERROR, "leader cannot act", reason=problem)
        self.logged_problem = problem
        for unreadable in set(network.unreadable) - self.logged_records:
            event(log, logging.ERROR, "record ignored", reason=unreadable)
        self.logged_records = frozenset(network.unreadable)
