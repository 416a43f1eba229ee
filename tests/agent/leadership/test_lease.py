"""A lease is a scope: what runs inside ends before etcd lets the lease go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from sidecar.agent.board import Board
from sidecar.agent.leadership.lease import LeaseKeeper
from sidecar.domain.node.view import View
from sidecar.domain.records.store import LeaseID
from tests.agent.sidecars import until
from tests.builders import server
from tests.fakes.memory_store import MemoryStore, new_cluster

pytestmark = pytest.mark.anyio

TTL = 10.0


@dataclass(slots=True)
class Work:
    """What runs under the lease, and when it began and ended."""

    began: list[tuple[LeaseID, float]] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    async def __call__(self, lease: LeaseID) -> None:
        self.began.append((lease, anyio.current_time()))
        try:
            await anyio.sleep_forever()
        finally:
            self.ended.append(anyio.current_time())


@asynccontextmanager
async def lease_held() -> AsyncIterator[tuple[LeaseKeeper, MemoryStore, Work]]:
    """A keeper whose work has begun."""
    store, work = MemoryStore(new_cluster()), Work()
    keeper = LeaseKeeper(store, Board(View(identity=server(1))), TTL)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keeper.run, work)
        await until(lambda: bool(work.began))
        yield keeper, store, work
        tasks.cancel_scope.cancel()


async def test_the_lease_is_renewed_for_as_long_as_etcd_answers() -> None:
    async with lease_held() as (keeper, _, work):
        await anyio.sleep(50 * TTL)
        assert len(work.began) == 1
        assert keeper.board.view.network.lease_alive


async def test_the_work_ends_before_the_lease_expires_in_etcd() -> None:
    async with lease_held() as (keeper, store, work):
        began = work.began[0][1]
        store.disconnect()
        await until(lambda: bool(work.ended))
        assert 0.8 * TTL <= work.ended[0] - began < TTL
        assert not keeper.board.view.network.lease_alive


async def test_a_frozen_sidecar_counts_its_lease_as_expired() -> None:
    async with lease_held() as (keeper, _, _):
        await anyio.sleep(50 * TTL)
        now = anyio.current_time()
        assert keeper.board.view_at(now).network.lease_alive
        assert not keeper.board.view_at(now + TTL).network.lease_alive


async def test_a_lease_that_survived_an_outage_is_kept() -> None:
    async with lease_held() as (_, store, work):
        store.disconnect()
        await until(lambda: bool(work.ended))
        store.cluster.keep_all_alive()  # as etcd does when it comes back with another leader
        store.reconnect()
        await until(lambda: len(work.began) == 2)
        assert work.began[0][0] == work.began[1][0]


async def test_a_lease_that_is_gone_is_replaced() -> None:
    async with lease_held() as (_, store, work):
        store.cluster.revoke(work.began[0][0])
        await until(lambda: len(work.began) == 2)
        assert work.began[0][0] != work.began[1][0]
        assert len(work.ended) == 1


async def test_a_renewal_whose_answer_is_lost_is_tried_again_in_time() -> None:
    async with lease_held() as (_, store, work):
        for _ in range(20):
            store.lose_answers(3)
            await anyio.sleep(TTL)
        assert len(work.began) == 1


async def test_revoking_ends_the_lease_in_etcd() -> None:
    async with lease_held() as (keeper, store, work):
        await keeper.revoke()
        assert store.cluster.next_expiry == float("inf")
        assert len(work.began) == 1


@pytest.mark.parametrize("ttl", [TTL / 3, 3 * TTL, 12 * TTL])
async def test_an_inherited_lease_is_renewed_by_its_granted_ttl(ttl: float) -> None:
    store, work = CountingStore(new_cluster()), Work()
    keeper = LeaseKeeper(store, Board(View(identity=server(1))), ttl, await store.grant_lease(TTL))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keeper.run, work)
        await anyio.sleep(50 * TTL)
        assert keeper.board.view.network.lease_alive
        tasks.cancel_scope.cancel()
    assert len(work.began) == 1
    assert 100 <= store.renewals <= 200  # three in each of its fifty times


class CountingStore(MemoryStore):
    """Counts how often a lease is kept alive."""

    renewals = 0

    async def keep_alive(self, lease: LeaseID) -> float:
        self.renewals += 1
        return await super().keep_alive(lease)
