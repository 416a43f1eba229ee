"""Noticing the end of a container."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.adapters.restart.drivers.kubernetes.cluster import (
    FakeCluster,
    busy,
    observed,
)
from tests.kubernetes_api import (
    POD,
    Cluster,
    Rule,
    pod,
)

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def waiting_for_the_end(fake: FakeCluster) -> AsyncIterator[None]:
    """A driver waits for the end of the incarnation, which the body causes; it is observed once it begins."""
    driver = fake.driver()
    incarnation = await observed(driver)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(driver.wait_for_end, incarnation)
            await fake.cluster.wait_for_request(lambda: watches(fake.cluster) == 1)
            yield


def watches(cluster: Cluster) -> int:
    return sum(call.verb == "watch" for call in cluster.calls)


async def test_an_end_is_seen_on_a_watch_and_nothing_is_polled(fake: FakeCluster) -> None:
    async with waiting_for_the_end(fake):
        fake.cluster.put(POD, pod(ready=False))  # a change, but no end
        fake.cluster.put(POD, pod(container="c-2"))

    watch = next(call for call in fake.cluster.calls if call.verb == "watch")
    assert watch.query["fieldSelector"] == "metadata.name=fed-0"
    assert fake.cluster.verbs() == [f"get {POD}"] * 2


@pytest.mark.parametrize("interruption", [Cluster.compact, Cluster.drop_streams])
async def test_a_watch_that_ends_begins_again_from_a_fresh_look(
    fake: FakeCluster, interruption: Callable[[Cluster], None]
) -> None:
    async with waiting_for_the_end(fake):
        fake.cluster.put(POD, pod())
        interruption(fake.cluster)
        await fake.cluster.wait_for_request(lambda: watches(fake.cluster) == 2)
        fake.cluster.remove(POD)


async def test_without_the_right_to_watch_the_pod_is_looked_at(
    fake: FakeCluster, caplog: pytest.LogCaptureFixture
) -> None:
    fake.cluster.rules = (Rule("", "pods", ("get",), ("fed-0",)),)

    async with waiting_for_the_end(fake):
        await fake.cluster.wait_for_request(lambda: len(fake.cluster.verbs()) > 6)
        fake.cluster.put(POD, pod(container="c-2"))

    assert watches(fake.cluster) == 1
    messages = [record.getMessage() for record in caplog.records]
    assert messages.count("not allowed to watch the pod; polling instead") == 1


async def test_an_end_during_an_outage_of_the_server_is_seen_after_it(fake: FakeCluster) -> None:
    driver = fake.driver()
    incarnation = await observed(driver)
    fake.cluster.busy_answers = [busy(503, None) for _ in range(3)]
    fake.cluster.put(POD, pod(container="c-2"))

    with anyio.fail_after(10):
        await driver.wait_for_end(incarnation)
    assert fake.cluster.busy_answers == []
