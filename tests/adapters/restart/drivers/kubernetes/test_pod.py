"""What the driver reads from a pod."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.adapters.restart.driver import Incarnation
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


async def test_the_running_container_is_an_incarnation_with_its_age(fake: FakeCluster) -> None:
    incarnation = await observed(fake.driver())

    assert incarnation == Incarnation("uid-1/containerd://c-1", age=60.0)
    assert fake.cluster.verbs() == [f"get {POD}"]


async def test_a_restarted_container_and_a_new_pod_are_other_incarnations(fake: FakeCluster) -> None:
    driver = fake.driver()
    first = await observed(driver)
    fake.cluster.put(POD, pod(container="c-2"))
    second = await observed(driver)
    fake.cluster.put(POD, pod(uid="uid-2", container="c-2"))
    third = await observed(driver)

    assert len({first.id, second.id, third.id}) == 3


@pytest.mark.parametrize("reason", ["PodInitializing", "ContainerCreating"])
async def test_before_its_first_start_there_is_no_incarnation(fake: FakeCluster, reason: str) -> None:
    waiting = {"waiting": {"reason": reason}}
    fake.cluster.put(POD, pod(containerID="", ready=False, state=waiting))
    driver = fake.driver()

    assert await driver.observe() is None
    await driver.restart(None, LIST)
    assert fake.cluster.verbs() == [f"get {POD}"], "what is yet to start is left to the kubelet"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"ready": False}, "container server of pod fed-0 runs, but its readiness probe has not passed"),
        (
            {
                "ready": False,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 9, "reason": "Error"}},
            },
            "container server of pod fed-0 waits: CrashLoopBackOff; it last ended with exit code 9: Error",
        ),
        (
            {
                "ready": False,
                "containerID": "",
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
            },
            "container server of pod fed-0 waits: ImagePullBackOff, no such image",
        ),
        (
            {"ready": False, "state": {"terminated": {"exitCode": 143, "reason": "Error"}}},
            "container server of pod fed-0 has ended with exit code 143: Error",
        ),
    ],
)
async def test_the_reason_why_it_does_not_serve_is_reported(
    fake: FakeCluster, status: dict[str, Any], words: str
) -> None:
    fake.cluster.put(POD, pod(**status))

    assert (await observed(fake.driver())).unready_reason == words


async def test_an_annotation_names_the_main_container(fake: FakeCluster) -> None:
    thing = pod()
    thing["spec"]["containers"].insert(0, {"name": "proxy"})
    thing["status"]["containerStatuses"].insert(0, {"name": "proxy", "containerID": "x", "ready": True})
    thing["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "server"}
    fake.cluster.put(POD, thing)

    assert (await observed(fake.driver())).id == "uid-1/containerd://c-1"
