"""The Kubernetes driver against an API server that refuses as the real one does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.adapters.restart.drivers.kubernetes.driver import KubernetesDriver, WatchIntervals
from sidecar.adapters.restart.drivers.kubernetes.workload import (
    RESTARTED_AT_ANNOTATION,
    SERVERS_ANNOTATION,
    Workload,
    digest,
)
from sidecar.domain.errors import BadConfiguration, DriverError
from sidecar.domain.servers import ServerList
from tests.kit.certificates import Authority, KeyPair
from tests.kubernetes_api import (
    NAMESPACE,
    POD,
    STATEFULSET,
    TOKEN,
    WORKLOAD_RULES,
    Cluster,
    Rule,
    pod,
    serve_api,
    workload,
)

LIST = ServerList.parse(["http://fed-0.fed:9000", "http://fed-1.fed:9000"])
LONGER = LIST.appended(ServerList.parse(["http://fed-2.fed:9000"]))
STARTED_AT = 1767225600.0
"""When the container of `pod` started: 2026-01-01T00:00:00Z."""

FED = Workload("statefulsets", "fed")
SHORT_INTERVALS = WatchIntervals(first=0.01, without_watch=0.01)

pytestmark = pytest.mark.anyio


@dataclass
class FakeCluster:
    """A cluster that answers, and the sidecar's access to it."""

    cluster: Cluster
    access: KubernetesAccess

    def driver(self, workload: Workload | None = None) -> KubernetesDriver:
        return KubernetesDriver(
            self.access, workload=workload, now=lambda: STARTED_AT + 60, intervals=SHORT_INTERVALS
        )


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp's server needs asyncio."""
    return "asyncio"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> KeyPair:
    return authority.issue("kubernetes")


@pytest.fixture
def folder(tmp_path: Path, authority: Authority) -> Path:
    """What the kubelet mounts."""
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "namespace").write_text(NAMESPACE)
    (tmp_path / "ca.crt").write_bytes(authority.cert.read_bytes())
    return tmp_path


@pytest.fixture
async def fake(folder: Path, certificate: KeyPair) -> AsyncIterator[FakeCluster]:
    cluster = Cluster()
    cluster.put(POD, pod())
    cluster.put(STATEFULSET, workload())
    async with serve_api(cluster, certificate) as port:
        environ = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port)}
        yield FakeCluster(cluster, KubernetesAccess.in_cluster(environ, host_name="fed-0", folder=folder))


async def observed(driver: KubernetesDriver) -> Incarnation:
    incarnation = await driver.observe()
    assert incarnation is not None
    return incarnation


# What the pod reports.


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


# Mode pod.


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


# Mode workload.


@pytest.fixture
def rolling(fake: FakeCluster) -> FakeCluster:
    fake.cluster.rules = WORKLOAD_RULES
    return fake


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


# Refusals, as messages.


@pytest.mark.parametrize(
    ("rules", "of", "doing", "lacks", "rule"),
    [
        (
            (),
            None,
            "inspect pod fed-0",
            "get pods",
            'apiGroups: [""], resources: [pods], resourceNames: [fed-0], verbs: [get]',
        ),
        (
            (Rule("", "pods", ("get", "watch")),),
            None,
            "restart pod fed-0",
            "delete pods",
            'apiGroups: [""], resources: [pods], resourceNames: [fed-0], verbs: [delete]',
        ),
        (
            (Rule("", "pods", ("get", "watch")), Rule("apps", "statefulsets", ("get",), ("fed",))),
            FED,
            "restart statefulset fed",
            "patch statefulsets",
            'apiGroups: ["apps"], resources: [statefulsets], resourceNames: [fed], verbs: [patch]',
        ),
    ],
)
async def test_a_missing_right_is_reported_with_its_rule(
    fake: FakeCluster, rules: tuple[Rule, ...], of: Workload | None, doing: str, lacks: str, rule: str
) -> None:
    fake.cluster.rules = rules
    driver = fake.driver(of)

    with pytest.raises(DriverError) as caught:
        await driver.restart(await observed(driver), LIST)
    assert str(caught.value) == (
        f"cannot {doing}: service account federation/fed may not {lacks} in namespace federation (403); "
        f"add to its Role: {{{rule}}}"
    )


async def test_a_token_is_read_again_at_every_call(fake: FakeCluster) -> None:
    driver = fake.driver()
    await driver.observe()
    fake.cluster.tokens = {"the.next.token": fake.cluster.tokens[TOKEN]}

    with pytest.raises(
        DriverError, match=r"does not accept the service account's token \(401\); it has expired"
    ):
        await driver.observe()
    fake.access.token_file.write_text("the.next.token")
    assert await driver.observe() is not None


async def test_a_missing_pod_is_reported_with_its_settings(fake: FakeCluster) -> None:
    driver = KubernetesDriver(replace(fake.access, pod="fed-1"))
    fake.cluster.rules = (Rule("", "pods", ("get",)),)

    with pytest.raises(DriverError, match=r'pods "fed-1" not found; see whether .*--kubernetes-pod'):
        await driver.observe()


async def test_a_wrong_list_of_rights_to_a_workload_that_is_not_there(rolling: FakeCluster) -> None:
    rolling.cluster.remove(STATEFULSET)
    driver = rolling.driver(FED)

    with pytest.raises(DriverError, match=r'statefulsets\.apps "fed" not found; see whether'):
        await driver.restart(await observed(driver), LIST)


def busy(status: int, wait: str | None) -> web.Response:
    """What an overloaded API server says: no Status, but plain text."""
    headers = {"Retry-After": wait} if wait is not None else {}
    return web.Response(status=status, text="Too many requests, please try again later.\n", headers=headers)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_again_after_the_time_it_names(fake: FakeCluster, status: int) -> None:
    driver = fake.driver()
    incarnation = await observed(driver)
    fake.cluster.busy_answers = [busy(status, "0"), busy(status, "0")]

    await driver.restart(incarnation, LIST)

    deletions = [call.status for call in fake.cluster.calls if call.verb == "delete"]
    assert deletions == [status, status, 200]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((429, "600"), r"busy \(429\) and asks for 600 s: Too many requests, please try again later\."),
        ((500, None), r"the API server refused it \(500\): Too many requests"),
    ],
)
async def test_a_server_that_stays_busy_is_trouble_for_now(
    fake: FakeCluster, answer: tuple[int, str | None], words: str
) -> None:
    driver = fake.driver()
    incarnation = await observed(driver)
    fake.cluster.busy_answers = [busy(*answer)]

    with pytest.raises(DriverError, match=words):
        await driver.restart(incarnation, LIST)


async def test_an_invalid_answer_is_reported(fake: FakeCluster) -> None:
    fake.cluster.busy_answers = [web.Response(text="<html>a proxy</html>"), web.Response(text="[]")]
    driver = fake.driver()

    with pytest.raises(DriverError, match="the API server's answer is no JSON"):
        await driver.observe()
    with pytest.raises(DriverError, match="the API server's answer is no JSON object"):
        await driver.observe()


async def test_a_redirect_is_not_followed_with_the_token(fake: FakeCluster) -> None:
    fake.cluster.busy_answers = [web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})]

    with pytest.raises(DriverError, match=r"refused it \(302\)"):
        await fake.driver().observe()


async def test_a_server_that_hangs_is_given_up(fake: FakeCluster) -> None:
    fake.cluster.hung = True
    driver = KubernetesDriver(fake.access, timeout=0.2)

    with pytest.raises(DriverError, match="does not answer in time"):
        await driver.observe()


async def test_an_unreachable_server_is_reported(fake: FakeCluster) -> None:
    driver = KubernetesDriver(replace(fake.access, url="https://127.0.0.1:9"))

    with pytest.raises(DriverError, match=r"https://127\.0\.0\.1:9: Connect call failed|Connection refused"):
        await driver.observe()


async def test_a_server_of_another_authority_gets_no_token(fake: FakeCluster, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "other").cert
    driver = KubernetesDriver(replace(fake.access, ca_file=other))

    with pytest.raises(DriverError, match=f"has a certificate that {other} did not sign: "):
        await driver.observe()
    assert fake.cluster.calls == []


async def test_a_missing_token_is_reported_with_its_file(fake: FakeCluster) -> None:
    fake.access.token_file.unlink()

    with pytest.raises(DriverError, match=rf"{fake.access.token_file}: No such file or directory"):
        await fake.driver().observe()


# Noticing an end.


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


# In a cluster, or not.


def test_outside_of_a_cluster_the_error_says_so(folder: Path) -> None:
    with pytest.raises(
        BadConfiguration, match="this is no pod of a cluster, as KUBERNETES_SERVICE_HOST is not set"
    ):
        KubernetesAccess.in_cluster({}, host_name="fed-0", folder=folder)


def test_an_ipv6_address_is_bracketed(folder: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}

    access = KubernetesAccess.in_cluster(environ, host_name="fed-0", folder=folder)

    assert access.url == "https://[fd00::1]:6443"
    assert (access.namespace, access.pod) == (NAMESPACE, "fed-0")


def test_settings_come_before_what_the_kubelet_says(folder: Path) -> None:
    (folder / "namespace").unlink()

    access = KubernetesAccess.in_cluster(
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, host_name="x", namespace="other", pod="db-0", folder=folder
    )

    assert (access.url, access.namespace, access.pod) == ("https://10.0.0.1:443", "other", "db-0")


@pytest.mark.parametrize("missing", ["token", "ca.crt", "namespace"])
def test_a_pod_without_a_token_gets_a_remedy(folder: Path, missing: str) -> None:
    (folder / missing).unlink()

    with pytest.raises(BadConfiguration, match=rf"{missing} cannot be read: .* --kubernetes-mode container"):
        KubernetesAccess.in_cluster({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, host_name="fed-0", folder=folder)
