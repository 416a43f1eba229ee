"""Leading: standing for election when this node may, and carrying out the leader's decision."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import NoReturn

import anyio

from sidecar.agent.board import Board
from sidecar.agent.dependencies import Dependencies
from sidecar.agent.leadership.election import Candidacy
from sidecar.agent.list_and_watch import list_and_watch
from sidecar.domain.errors import LeaseLost
from sidecar.domain.leader.decide import Step, decide, next_decision_at, why_idle
from sidecar.domain.leader.requests import joins_to_probe
from sidecar.domain.network.context import Leader
from sidecar.domain.network.snapshot import Network, read_network
from sidecar.domain.network.transaction import Term
from sidecar.domain.node.facts import bootstrap_servers, may_campaign
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.records.store import NO_REVISION, Listing, Revision
from sidecar.logs import event

log = logging.getLogger(__name__)

RECHECK_INTERVAL = 60.0
"""Seconds after which the leader looks again where nothing happens: some answers are kept for a while."""

MIN_RECHECK_INTERVAL = 0.01
"""Seconds that it rests at least: the wall clock may say that a time has come a little late."""


async def lead_when_elected(
    candidacy: Candidacy, *, keys: Keys, board: Board, dependencies: Dependencies
) -> NoReturn:
    """Stand whenever this node may, lead when elected, resign when it may not any more."""
    # A sidecar that was executed anew leads on: whether it may is not known before it has read the network.
    await board.wait_until(lambda: board.view.synced)
    if not may_campaign(board.view):
        await candidacy.resign()  # an earlier resignation may have been lost with the connection
    while True:
        await board.wait_until(lambda: may_campaign(board.view))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_lead_one_term, candidacy, keys, board, dependencies)
            await board.wait_until(lambda: not may_campaign(board.view))
            tasks.cancel_scope.cancel()
        await candidacy.resign()


async def _lead_one_term(candidacy: Candidacy, keys: Keys, board: Board, dependencies: Dependencies) -> None:
    term = await candidacy.campaign()
    event(log, logging.INFO, "leading", term=term.create_revision)
    board.set_term(term)
    try:
        await _Leadership(candidacy, term, keys, board, dependencies).run()
    finally:
        board.set_term(None)
        event(log, logging.INFO, "leading no more", term=term.create_revision)


@dataclass(slots=True)
class _Leadership:
    """One term: the network as it is known, and what has been written to it."""

    candidacy: Candidacy
    term: Term
    keys: Keys
    board: Board
    dependencies: Dependencies
    listing: Listing | None = None
    last_write: Revision = NO_REVISION
    logged_problem: str | None = None
    logged_records: frozenset[str] = frozenset()
    probe_results: dict[tuple[str, AdmissionProbe], str] = field(default_factory=dict)
    """What was found at the URLs of the newcomers that ask now: `Leader.probe_results`."""
    join_attempts: frozenset[str] = frozenset()
    last_join_at: float = 0.0
    """When the latest of them was first seen, in seconds since the epoch."""
    wakeup: anyio.Event = field(default_factory=anyio.Event)
    listing_changed: anyio.Event = field(default_factory=anyio.Event)

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
            self.last_write = (
                NO_REVISION  # an etcd that comes back from a backup counts from an older revision
            )
            # A level lower than what `watch_network` says of the same outage, at each try.
            event(log, logging.DEBUG, "the leader cannot see the network", error=str(exc))

        await list_and_watch(
            self.candidacy.store, *self.keys.ranges_of_leader(), on_listing=on_listing, on_error=on_error
        )

    async def _wake_on_board_change(self) -> NoReturn:
        """The decision is also made from what this node obeys."""
        while True:
            await self.board.wait_for_change()
            self.wakeup.set()

    async def _probe_newcomers(self) -> NoReturn:
        """Look at each newcomer's URL once for each of its attempts, where the policy wants that."""
        while True:
            self.listing_changed = anyio.Event()
            if self.listing is not None:
                await self._probe_all(read_network(self.keys, self.listing))
            await self.listing_changed.wait()

    async def _probe_all(self, network: Network) -> None:
        kind = network.policy.admission_probe
        joining = {(each.attempt, kind): each for each in joins_to_probe(network)}
        self.probe_results = {key: found for key, found in self.probe_results.items() if key in joining}
        async with anyio.create_task_group() as tasks:
            for key in joining.keys() - self.probe_results.keys():
                tasks.start_soon(self._probe, joining[key], kind)

    async def _probe(self, request: Request, kind: AdmissionProbe) -> None:
        if request.url:
            found = await self.dependencies.probe_newcomer(request.url, request.subject, kind)
            self.probe_results[request.attempt, kind] = found
            self.wakeup.set()

    async def _write_next(self) -> bool:
        """Write what is to be written next; False when there is nothing, or it has to be seen first."""
        if self.listing is None or self.listing.revision < self.last_write:
            return False
        if self._next_step(self.listing) is None:
            return False
        # The watch of one range may lag behind another's: a grant, a tombstone that is not seen yet.
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
        """Seconds until time alone may have given something to do."""
        if self.listing is None:
            return RECHECK_INTERVAL
        now = self.dependencies.wall()
        at = next_decision_at(read_network(self.keys, self.listing), self._leader(), now)
        return RECHECK_INTERVAL if at is None else min(RECHECK_INTERVAL, max(MIN_RECHECK_INTERVAL, at - now))

    def _leader(self) -> Leader:
        view = self.board.view
        return Leader(
            self.term, bootstrap_servers(view), view.last_known_good, self.probe_results, self.last_join_at
        )

    def _track_joins(self, network: Network) -> None:
        asking = frozenset(r.attempt for r in network.requests.values() if r.kind is RequestKind.JOIN)
        now = self.dependencies.wall()
        if asking - self.join_attempts or self.last_join_at > now:  # the clock may have been set back
            self.last_join_at = now
        self.join_attempts = asking

    def _next_step(self, listing: Listing) -> Step | None:
        network = read_network(self.keys, listing)
        self._track_joins(network)
        leader = self._leader()
        self._log_problems(network, leader)
        return decide(network, leader, self.dependencies.wall())

    async def _check_term(self) -> None:
        """The transaction did not hold: this is no longer the leader, or somebody else wrote meanwhile."""
        if not await self.candidacy.is_current(self.term):
            raise LeaseLost(f"{self.term.node_id} leads no more: its candidacy is gone")

    def _log_problems(self, network: Network, leader: Leader) -> None:
        problem = why_idle(network, leader)
        if problem and problem != self.logged_problem:
            event(log, logging.ERROR, "the leader is held up", why=problem)
        self.logged_problem = problem
        for unreadable in set(network.unreadable) - self.logged_records:
            event(log, logging.ERROR, "a record is ignored", error=unreadable)
        self.logged_records = frozenset(network.unreadable)
