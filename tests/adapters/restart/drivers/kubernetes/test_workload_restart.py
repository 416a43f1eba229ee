"""Restarting by the pod template of the workload."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from sidecar.adapters.restart.drivers.kubernetes.workload import (
    RESTARTED_AT_ANNOTATION,
    SERVERS_ANNOTATION,
    digest,
)
from sidecar.domain.errors import DriverError
from tests.adapters.restart.drivers.kubernetes.cluster import (
    FED,
    LIST,
    LONGER,
    FakeCluster,
    observed,
)
from tests.kubernetes_api import (
    POD,
    STATEFULSET,
    Cluster,
    pod,
    workload,
)

pytestmark = pytest.mark.anyio


def template_notes(cluster: Cluster) -> dict[str, str]:
    notes: dict[str, str] = cluster.objects[STATEFULSET]["spec"]["template"]["metadata"]["annotations"]
    return notes


def patches(cluster: Cluster) -> list[int]:
    return [call.status for call in cluster.calls if call.verb == "patch"]


async def test_mode_workload_marks_the_pod_template(rolling: FakeCluster) -> None:
    driver = rolling.driver(FED)
    assert not driver.can_stop
    version = rolling.cluster.objects[STATEFULSET]["metadata"]["resourceVersion"]

    await driver.restart(await observed(driver), LIST)

    notes = {RESTARTED_AT_ANNOTATION: "2026-01-01T00:01:00+00:00", SERVERS_ANNOTATION: digest(LIST)}
    assert template_notes(rolling.cluster) == notes
    call = next(call for call in rolling.cluster.calls if call.verb == "patch")
    assert (call.path, call.query) == (STATEFULSET, {"fieldManager": "federation-sidecar"})
    assert call.body == {
        "metadata": {"resourceVersion": version},
        "spec": {"template": {"metadata": {"annotations": notes}}},
    }


async def test_several_nodes_of_a_workload_ask_for_one_restart(rolling: FakeCluster) -> None:
    first, second = (rolling.driver(FED) for _ in range(2))
    incarnation = await observed(first)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first.restart, incarnation, LIST)
        tasks.start_soon(second.restart, incarnation, LIST)
    await first.restart(incarnation, LIST)

    assert patches(rolling.cluster).count(200) == 1


async def test_another_list_is_another_restart(rolling: FakeCluster) -> None:
    driver = rolling.driver(FED)
    incarnation = await observed(driver)

    await driver.restart(incarnation, LIST)
    await driver.restart(incarnation, LONGER)

    assert patches(rolling.cluster) == [200, 200]
    assert template_notes(rolling.cluster)[SERVERS_ANNOTATION] == digest(LONGER)


async def test_a_pod_created_for_this_list_is_restarted_if_necessary(rolling: FakeCluster) -> None:
    """It hangs, say: that its workload was restarted for the list before is no reason not to."""
    driver = rolling.driver(FED)
    await driver.restart(await observed(driver), LIST)
    fresh = pod(uid="uid-2")
    fresh["metadata"]["annotations"] = template_notes(rolling.cluster)
    rolling.cluster.put(POD, fresh)

    await driver.restart(await observed(driver), LIST)

    assert patches(rolling.cluster) == [200, 200]


async def test_a_workload_that_changes_meanwhile_is_read_again(rolling: FakeCluster) -> None:
    driver = rolling.driver(FED)
    incarnation = await observed(driver)
    rolling.cluster.before_patches = [lambda: rolling.cluster.put(STATEFULSET, workload(replicas=4))]

    await driver.restart(incarnation, LIST)

    assert patches(rolling.cluster) == [409, 200]
    assert rolling.cluster.objects[STATEFULSET]["spec"]["replicas"] == 4


async def test_a_workload_that_never_keeps_still_is_trouble(rolling: FakeCluster) -> None:
    driver = rolling.driver(FED)
    incarnation = await observed(driver)
    rolling.cluster.before_patches = [lambda: rolling.cluster.put(STATEFULSET, workload()) for _ in range(9)]

    with pytest.raises(DriverError, match=r"refused it \(409\): .*the object has been modified"):
        await driver.restart(incarnation, LIST)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"updateStrategy": {"type": "OnDelete"}}, "its updateStrategy is OnDelete, which restarts nothing"),
        ({"paused": True}, "its rollout is paused, which restarts nothing; run kubectl rollout resume"),
    ],
)
async def test_a_workload_that_would_replace_no_pod_is_reported(
    rolling: FakeCluster, spec: dict[str, Any], words: str
) -> None:
    rolling.cluster.put(STATEFULSET, workload(**spec))
    driver = rolling.driver(FED)

    with pytest.raises(DriverError, match=f"statefulset fed cannot be restarted: {words}"):
        await driver.restart(await observed(driver), LIST)
    assert patches(rolling.cluster) == []
