"""When a node writes its request to join."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from sidecar.agent.reporting.instance import Instance
from sidecar.agent.reporting.join_requester import (
    REFUSED_RETRY_INTERVAL,
    RESEND_INTERVAL,
    JoinRequester,
)
from sidecar.domain.node.actions import AskToJoin
from sidecar.domain.records.encoding import decode
from sidecar.domain.records.requests import Request
from tests.builders import KEYS, server, servers
from tests.fakes.memory_cluster import MemoryCluster
from tests.fakes.memory_store import MemoryStore, new_cluster

pytestmark = pytest.mark.anyio

JOIN = AskToJoin(servers(9000, 9004), "a1")
KEY = KEYS.request("join-fed-4")


@asynccontextmanager
async def requester() -> AsyncIterator[tuple[JoinRequester, MemoryCluster]]:
    """A requester that runs under a lease."""
    cluster = new_cluster()
    store = MemoryStore(cluster)
    instance = Instance(server(4, 9004), "a", "here", "0")
    running = JoinRequester(store, KEYS, instance, anyio.current_time)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(running.run, await store.grant_lease(1e6))
        yield running, cluster
        tasks.cancel_scope.cancel()


async def written(cluster: MemoryCluster, seconds: float = 0.1) -> int | None:
    """The revision of the last request that was written within ``seconds``."""
    await anyio.sleep(seconds)
    entry = cluster.list(KEYS.ranges_of_leader()).entries.get(KEY)
    return entry.mod_revision if entry else None


async def test_a_request_is_written_once_it_is_wanted() -> None:
    async with requester() as (join_requester, cluster):
        assert await written(cluster, 3600.0) is None
        join_requester.want(JOIN)
        assert await written(cluster)
        request = decode(Request, cluster.list(KEYS.ranges_of_leader()).entries[KEY].value, KEY)
        assert (request.attempt, request.servers) == ("a1", JOIN.servers.urls)


async def test_an_unanswered_request_is_written_again() -> None:
    async with requester() as (join_requester, cluster):
        join_requester.want(JOIN)
        first = await written(cluster)
        assert await written(cluster, RESEND_INTERVAL - 1) == first
        assert await written(cluster, 2.0) != first


async def test_a_refusal_makes_no_new_request() -> None:
    async with requester() as (join_requester, cluster):
        join_requester.want(JOIN)
        first = await written(cluster)
        join_requester.want(replace(JOIN, refused=True))
        assert await written(cluster) == first


async def test_a_refused_request_is_written_again_later() -> None:
    async with requester() as (join_requester, cluster):
        join_requester.want(replace(JOIN, refused=True))
        first = await written(cluster)
        assert await written(cluster, REFUSED_RETRY_INTERVAL - 1) == first
        assert await written(cluster, 2.0) != first


async def test_another_attempt_is_requested_at_once() -> None:
    async with requester() as (join_requester, cluster):
        join_requester.want(JOIN)
        first = await written(cluster)
        join_requester.want(replace(JOIN, attempt="a2"))
        assert await written(cluster) != first


async def test_an_unwanted_request_is_not_repeated() -> None:
    async with requester() as (join_requester, cluster):
        join_requester.want(JOIN)
        first = await written(cluster)
        join_requester.want(None)
        assert await written(cluster, 3600.0) == first
