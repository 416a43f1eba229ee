"""The election: the lowest create revision leads, and each candidate watches only the one before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import anyio
import pytest

from sidecar.agent.leadership.election import Candidacy
from sidecar.domain.errors import LeaseLost
from sidecar.domain.network.transaction import Term
from sidecar.domain.records.membership import Candidate
from tests.agent.sidecars import until
from tests.builders import KEYS, server
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.memory_store import MemoryStore, new_cluster

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Runner:
    """A candidate that waits for its term, and keeps it."""

    candidacy: Candidacy
    store: MemoryStore
    term: Term | None = None

    async def run(self) -> None:
        with suppress(LeaseLost):  # it resigned meanwhile
            self.term = await self.candidacy.campaign()


async def candidate(cluster: MemoryCluster, number: int) -> Runner:
    store = MemoryStore(cluster)
    who = server(number)
    lease = await store.grant_lease(1000)
    return Runner(Candidacy(store, KEYS, lease, Candidate(who.node_id, who.url, "", "a")), store)


def _registered(cluster: MemoryCluster, count: int) -> bool:
    return len(cluster.list([KEYS.candidate_range()]).entries) == count


@asynccontextmanager
async def candidates(count: int) -> AsyncIterator[list[Runner]]:
    """``count`` candidates that stood in this order; the first one leads."""
    cluster = new_cluster()
    async with anyio.create_task_group() as tasks:
        runners = [await candidate(cluster, number + 1) for number in range(count)]
        for standing, runner in enumerate(runners, start=1):
            tasks.start_soon(runner.run)
            await until(partial(_registered, cluster, standing))
        await until(lambda: runners[0].term is not None)
        yield runners
        tasks.cancel_scope.cancel()


async def test_the_first_candidate_leads_and_the_others_wait() -> None:
    async with candidates(5) as runners:
        await anyio.sleep(100)
        assert [runner.term is not None for runner in runners] == [True, False, False, False, False]


async def test_the_leaders_resignation_wakes_only_its_successor() -> None:
    async with candidates(5) as runners:
        await anyio.sleep(1)
        before = [runner.store.calls for runner in runners]
        await runners[0].candidacy.resign()
        await until(lambda: runners[1].term is not None)
        await anyio.sleep(1)
        asked = [runner.store.calls - calls for runner, calls in zip(runners, before, strict=True)]
        assert asked[2:] == [0, 0, 0]


async def test_a_resigning_candidate_in_the_queue_elects_no_leader() -> None:
    async with candidates(3) as runners:
        await runners[1].candidacy.resign()
        await anyio.sleep(10)
        assert runners[2].term is None
        await runners[0].candidacy.resign()
        await until(lambda: runners[2].term is not None)


async def test_a_term_is_proved_by_the_create_revision_of_its_key() -> None:
    async with candidates(2) as runners:
        candidacy, term = runners[0].candidacy, runners[0].term
        assert term is not None
        assert await candidacy.is_current(term)
        await candidacy.resign()
        assert not await candidacy.is_current(term)


async def test_campaigning_again_under_the_same_lease_keeps_the_position() -> None:
    async with candidates(2) as runners:
        assert await runners[0].candidacy.campaign() == runners[0].term


async def test_a_broken_watch_elects_no_leader() -> None:
    async with candidates(2) as runners:
        runners[1].store.end_watches()
        await anyio.sleep(10)
        assert runners[1].term is None
        await runners[0].candidacy.resign()
        await until(lambda: runners[1].term is not None)


async def test_a_candidacy_that_expired_cannot_be_won() -> None:
    cluster = new_cluster()
    first, second = await candidate(cluster, 1), await candidate(cluster, 2)
    await first.candidacy.campaign()
    async with anyio.create_task_group() as tasks:

        async def lose() -> None:
            with pytest.raises(LeaseLost):
                await second.candidacy.campaign()

        tasks.start_soon(lose)
        await until(lambda: len(cluster.list([KEYS.candidate_range()]).entries) == 2)
        await anyio.sleep(1)
        cluster.revoke(second.candidacy.lease)
        await first.candidacy.resign()
