"""The driver on a real API server, with the rights that `k8s/components` give to its account."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.adapters.restart.drivers.kubernetes.driver import KubernetesDriver
from sidecar.adapters.restart.drivers.kubernetes.workload import (
    RESTARTED_AT_ANNOTATION,
    SERVERS_ANNOTATION,
    Workload,
    digest,
)
from sidecar.domain.errors import DriverError
from sidecar.domain.servers import ServerList
from tests.platforms.kubernetes.rendering import Rendered
from tests.platforms.kubernetes_api.conftest import pod_of
from tests.platforms.kubernetes_api.server import Api, path_of

Json = dict[str, Any]

pytestmark = pytest.mark.anyio

LIST = ServerList.parse(["http://fed-0.fed:9000", "http://fed-1.fed:9000"])
POD = "/api/v1/namespaces/federation/pods/fed-0"
STATEFULSET = "/apis/apps/v1/namespaces/federation/statefulsets/fed"
FED = Workload("statefulsets", "fed")


@pytest.fixture(params=["demo+pod", "demo+workload"])
def rendered(request: pytest.FixtureRequest, rendered_all: dict[str, Rendered]) -> Rendered:
    return rendered_all[request.param]


@pytest.fixture
def cluster(namespace: Api, rendered: Rendered) -> Iterator[Api]:
    """A cluster with that variant's account, rights and workload, and its first pod."""
    kinds = ("ServiceAccount", "Role", "RoleBinding", "StatefulSet")
    for each in rendered.of(*kinds):
        status, answer = namespace.apply(each)
        assert status in (200, 201), answer
    namespace.request("DELETE", POD)
    status, answer = namespace.apply(pod_of(rendered, "fed"))
    assert status == 201, answer
    report_running(namespace, "containerd://one")
    yield namespace
    namespace.request("DELETE", POD)
    for each in rendered.of("Role", "RoleBinding"):
        namespace.request("DELETE", path_of(each))
    namespace.request("DELETE", STATEFULSET)


def report_running(api: Api, container: str) -> None:
    """Report that the pod's server runs, as the kubelet does."""
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    server = {
        "name": "server",
        "image": "x",
        "imageID": "x",
        "ready": True,
        "restartCount": 0,
        "state": state,
    }
    status = {"phase": "Running", "containerStatuses": [{**server, "containerID": container}]}
    kind = "application/merge-patch+json"
    code, answer = api.request("PATCH", f"{POD}/status", {"status": status}, kind=kind)
    assert code == 200, answer


def driver_of(api: Api, folder: Path, workload: Workload | None, account: str = "fed") -> KubernetesDriver:
    (folder / "token").write_text(api.token(account))
    access = KubernetesAccess(
        f"https://127.0.0.1:{api.port}", folder / "token", api.ca, "federation", "fed-0"
    )
    return KubernetesDriver(access, workload=workload)


async def observe(driver: KubernetesDriver) -> Incarnation:
    incarnation = await driver.observe()
    assert incarnation is not None
    return incarnation


@pytest.mark.parametrize("rendered", ["demo+pod"], indirect=True)
async def test_a_restart_deletes_the_pod(cluster: Api, tmp_path: Path) -> None:
    driver = driver_of(cluster, tmp_path, None)
    incarnation = await observe(driver)
    assert incarnation.id.endswith("/containerd://one")
    assert incarnation.unready_reason == ""

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(driver.wait_for_end, incarnation)
            await driver.restart(incarnation, LIST)

    status, _ = await to_thread.run_sync(partial(cluster.request, "GET", POD))
    assert status == 404, "a pod on no machine is deleted at once"


@pytest.mark.parametrize("rendered", ["demo+pod"], indirect=True)
async def test_a_restarted_container_is_noticed(cluster: Api, tmp_path: Path) -> None:
    driver = driver_of(cluster, tmp_path, None)
    incarnation = await observe(driver)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(driver.wait_for_end, incarnation)
            await to_thread.run_sync(report_running, cluster, "containerd://two")

    assert (await observe(driver)).id != incarnation.id
    assert driver._may_watch, "the account may watch, by its Role"


@pytest.mark.parametrize("rendered", ["demo+pod"], indirect=True)
async def test_another_pod_with_the_name_is_left_alone(cluster: Api, tmp_path: Path) -> None:
    driver = driver_of(cluster, tmp_path, None)

    await driver.restart(Incarnation("another-uid/containerd://one"), LIST)

    assert (await observe(driver)).id.endswith("/containerd://one")


@pytest.mark.parametrize("rendered", ["demo+workload"], indirect=True)
async def test_a_workload_is_annotated_once_for_each_list(cluster: Api, tmp_path: Path) -> None:
    driver = driver_of(cluster, tmp_path, FED)
    incarnation = await observe(driver)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(driver.restart, incarnation, LIST)

    _, found = await to_thread.run_sync(partial(cluster.request, "GET", STATEFULSET))
    notes = found["spec"]["template"]["metadata"]["annotations"]
    assert notes[SERVERS_ANNOTATION] == digest(LIST)
    assert notes["kubectl.kubernetes.io/default-container"] == "server", "other annotations stay"
    marked, generation = notes[RESTARTED_AT_ANNOTATION], found["metadata"]["generation"]
    await driver.restart(incarnation, LIST)
    _, found = await to_thread.run_sync(partial(cluster.request, "GET", STATEFULSET))
    assert found["spec"]["template"]["metadata"]["annotations"][RESTARTED_AT_ANNOTATION] == marked
    assert found["metadata"]["generation"] == generation


@pytest.mark.parametrize("rendered", ["demo+workload"], indirect=True)
async def test_a_missing_right_is_named_exactly(cluster: Api, tmp_path: Path) -> None:
    driver = driver_of(cluster, tmp_path, None)

    with pytest.raises(DriverError) as caught:
        await driver.restart(await observe(driver), LIST)

    message = str(caught.value)
    assert message.startswith(
        "cannot restart pod fed-0: service account federation/fed may not delete pods in "
    )
    rule = 'apiGroups: [""], resources: [pods], resourceNames: [fed-0], verbs: [delete]'
    assert message.endswith(f"namespace federation (403); add to its Role: {{{rule}}}")
