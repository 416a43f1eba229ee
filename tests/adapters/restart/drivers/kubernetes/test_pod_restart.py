"""Restarting and stopping by deleting the pod."""

from __future__ import annotations

import pytest

from sidecar.domain.errors import DriverError
from tests.adapters.restart.drivers.kubernetes.cluster import (
    LIST,
    FakeCluster,
    observed,
)
from tests.kubernetes_api import (
    POD,
    pod,
)

pytestmark = pytest.mark.anyio


async def test_mode_pod_deletes_the_pod_and_waits_for_the_next(fake: FakeCluster) -> None:
    driver = fake.driver()
    incarnation = await observed(driver)

    await driver.restart(incarnation, LIST)

    call = next(call for call in fake.cluster.calls if call.verb == "delete")
    assert call.path == POD
    assert call.body == {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "uid-1"}}
    assert (await observed(driver)).id != incarnation.id


async def test_a_pod_that_came_by_the_same_name_is_not_deleted(fake: FakeCluster) -> None:
    driver = fake.driver()
    incarnation = await observed(driver)
    fake.cluster.put(POD, pod(uid="uid-2"))

    await driver.restart(incarnation, LIST)

    assert [call.status for call in fake.cluster.calls if call.verb == "delete"] == [409]
    assert fake.cluster.objects[POD]["metadata"]["uid"] == "uid-2"


async def test_a_pod_that_is_gone_needs_no_deleting(fake: FakeCluster) -> None:
    driver = fake.driver()
    incarnation = await observed(driver)
    fake.cluster.remove(POD)

    await driver.restart(incarnation, LIST)

    assert fake.cluster.calls[-1].status == 404


async def test_a_pod_that_is_being_deleted_is_not_ready(fake: FakeCluster) -> None:
    fake.cluster.replaces_deleted = False
    driver = fake.driver()
    await driver.restart(await observed(driver), LIST)

    assert (await observed(driver)).unready_reason == "pod fed-0 is being deleted"


async def test_a_removed_server_with_a_boot_check_loses_its_pod(
    fake: FakeCluster,
) -> None:
    driver = fake.driver()
    assert driver.can_stop

    await driver.stop()

    assert fake.cluster.objects[POD]["metadata"]["uid"] == "uid-1+"


async def test_a_container_held_back_by_the_boot_check_is_stopped_already(fake: FakeCluster) -> None:
    fake.cluster.put(POD, pod(containerID="", state={"waiting": {"reason": "PodInitializing"}}))

    await fake.driver().stop()

    assert fake.cluster.verbs() == [f"get {POD}"], "deleting it would only make the next one"


async def test_without_a_boot_check_stopping_is_refused_as_it_would_not_last(fake: FakeCluster) -> None:
    thing = pod()
    del thing["spec"]["initContainers"]
    fake.cluster.put(POD, thing)

    with pytest.raises(
        DriverError, match="would start again at once, without a boot check; make the sidecar"
    ):
        await fake.driver().stop()
    assert POD in fake.cluster.objects
