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

from sidecar.adapters.restart.drivers.driver import Life
from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.adapters.restart.drivers.kubernetes.driver import KubernetesDriver, Pace
from sidecar.adapters.restart.drivers.kubernetes.workload import RESTARTED_AT, SERVERS, Workload, digest
from sidecar.domain.errors import BadConfiguration, DriverTrouble
from sidecar.domain.servers import ServerList
from tests.certificates import Authority, Pair
from tests.kubernetes_api import (
    NAMESPACE,
    POD,
    STATEFULSET,
    TOKEN,
    WORKLOAD_RULES,
    Cluster,
    Rule,
    pod,
    serving,
    workload,
)

LIST = ServerList.parse(["http://fed-0.fed:9000", "http://fed-1.fed:9000"])
LONGER = LIST.appended(ServerList.parse(["http://fed-2.fed:9000"]))
BEGAN = 1767225600.0
"""When the container of `pod` started: 2026-01-01T00:00:00Z."""

FED = Workload("statefulsets", "fed")
QUICK = Pace(first=0.01, unwatched=0.01)

pytestmark = pytest.mark.anyio


@dataclass
class Ground:
    """A cluster that answers, and the sidecar's access to it."""

    cluster: Cluster
    access: KubernetesAccess

    def driver(self, workload: Workload | None = None) -> KubernetesDriver:
        return KubernetesDriver(self.access, workload=workload, now=lambda: BEGAN + 60, pace=QUICK)


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp's server needs asyncio."""
    return "asyncio"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Pair:
    return authority.issue("kubernetes")


@pytest.fixture
def folder(tmp_path: Path, authority: Authority) -> Path:
    """What the kubelet mounts."""
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "namespace").write_text(NAMESPACE)
    (tmp_path / "ca.crt").write_bytes(authority.cert.read_bytes())
    return tmp_path


@pytest.fixture
async def ground(folder: Path, certificate: Pair) -> AsyncIterator[Ground]:
    cluster = Cluster()
    cluster.put(POD, pod())
    cluster.put(STATEFULSET, workload())
    async with serving(cluster, certificate) as port:
        environ = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port)}
        yield Ground(cluster, KubernetesAccess.in_cluster(environ, host_name="fed-0", folder=folder))


async def life_of(driver: KubernetesDriver) -> Life:
    life = await driver.look()
    assert life is not None
    return life


# What the pod tells.


async def test_the_running_container_is_a_life_with_its_age(ground: Ground) -> None:
    life = await life_of(ground.driver())

    assert life == Life("uid-1/containerd://c-1", age=60.0)
    assert ground.cluster.verbs() == [f"get {POD}"]


async def test_a_restarted_container_and_a_replaced_pod_are_other_lives(ground: Ground) -> None:
    driver = ground.driver()
    first = await life_of(driver)
    ground.cluster.put(POD, pod(container="c-2"))
    second = await life_of(driver)
    ground.cluster.put(POD, pod(uid="uid-2", container="c-2"))
    third = await life_of(driver)

    assert len({first.name, second.name, third.name}) == 3


@pytest.mark.parametrize("reason", ["PodInitializing", "ContainerCreating"])
async def test_before_its_first_start_there_is_no_life(ground: Ground, reason: str) -> None:
    waiting = {"waiting": {"reason": reason}}
    ground.cluster.put(POD, pod(containerID="", ready=False, state=waiting))
    driver = ground.driver()

    assert await driver.look() is None
    await driver.restart(None, LIST)
    assert ground.cluster.verbs() == [f"get {POD}"], "what is yet to start is left to the kubelet"


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
async def test_why_it_does_not_serve_is_told(ground: Ground, status: dict[str, Any], words: str) -> None:
    ground.cluster.put(POD, pod(**status))

    assert (await life_of(ground.driver())).unready == words


async def test_an_annotation_names_the_main_container(ground: Ground) -> None:
    thing = pod()
    thing["spec"]["containers"].insert(0, {"name": "proxy"})
    thing["status"]["containerStatuses"].insert(0, {"name": "proxy", "containerID": "x", "ready": True})
    thing["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "server"}
    ground.cluster.put(POD, thing)

    assert (await life_of(ground.driver())).name == "uid-1/containerd://c-1"


# Mode pod.


async def test_mode_pod_deletes_the_very_pod_and_the_next_one_is_another_life(ground: Ground) -> None:
    driver = ground.driver()
    life = await life_of(driver)

    await driver.restart(life, LIST)

    call = next(call for call in ground.cluster.calls if call.verb == "delete")
    assert call.path == POD
    assert call.body == {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "uid-1"}}
    assert (await life_of(driver)).name != life.name


async def test_a_pod_that_came_by_the_same_name_is_not_deleted(ground: Ground) -> None:
    driver = ground.driver()
    life = await life_of(driver)
    ground.cluster.put(POD, pod(uid="uid-2"))

    await driver.restart(life, LIST)

    assert [call.status for call in ground.cluster.calls if call.verb == "delete"] == [409]
    assert ground.cluster.objects[POD]["metadata"]["uid"] == "uid-2"


async def test_a_pod_that_is_gone_needs_no_deleting(ground: Ground) -> None:
    driver = ground.driver()
    life = await life_of(driver)
    ground.cluster.take(POD)

    await driver.restart(life, LIST)

    assert ground.cluster.calls[-1].status == 404


async def test_a_pod_that_is_being_deleted_is_not_ready(ground: Ground) -> None:
    ground.cluster.controlled = False
    driver = ground.driver()
    await driver.restart(await life_of(driver), LIST)

    assert (await life_of(driver)).unready == "pod fed-0 is being deleted"


async def test_a_removed_server_is_stopped_by_deleting_a_pod_that_has_a_boot_check(ground: Ground) -> None:
    driver = ground.driver()
    assert driver.keeps_stopped

    await driver.stop()

    assert ground.cluster.objects[POD]["metadata"]["uid"] == "uid-1+"


async def test_a_container_held_back_by_the_boot_check_is_stopped_already(ground: Ground) -> None:
    ground.cluster.put(POD, pod(containerID="", state={"waiting": {"reason": "PodInitializing"}}))

    await ground.driver().stop()

    assert ground.cluster.verbs() == [f"get {POD}"], "deleting it would only make the next one"


async def test_without_a_boot_check_stopping_is_refused_as_it_would_not_last(ground: Ground) -> None:
    thing = pod()
    del thing["spec"]["initContainers"]
    ground.cluster.put(POD, thing)

    with pytest.raises(
        DriverTrouble, match="would start again at once, without a boot check; make the sidecar"
    ):
        await ground.driver().stop()
    assert POD in ground.cluster.objects


# Mode workload.


@pytest.fixture
def rolling(ground: Ground) -> Ground:
    ground.cluster.rules = WORKLOAD_RULES
    return ground


def template_notes(cluster: Cluster) -> dict[str, str]:
    notes: dict[str, str] = cluster.objects[STATEFULSET]["spec"]["template"]["metadata"]["annotations"]
    return notes


def patches(cluster: Cluster) -> list[int]:
    return [call.status for call in cluster.calls if call.verb == "patch"]


async def test_mode_workload_marks_the_pod_template(rolling: Ground) -> None:
    driver = rolling.driver(FED)
    assert not driver.keeps_stopped
    version = rolling.cluster.objects[STATEFULSET]["metadata"]["resourceVersion"]

    await driver.restart(await life_of(driver), LIST)

    notes = {RESTARTED_AT: "2026-01-01T00:01:00+00:00", SERVERS: digest(LIST)}
    assert template_notes(rolling.cluster) == notes
    call = next(call for call in rolling.cluster.calls if call.verb == "patch")
    assert (call.path, call.query) == (STATEFULSET, {"fieldManager": "federation-sidecar"})
    assert call.body == {
        "metadata": {"resourceVersion": version},
        "spec": {"template": {"metadata": {"annotations": notes}}},
    }


async def test_several_nodes_of_a_workload_ask_for_one_restart(rolling: Ground) -> None:
    first, second = (rolling.driver(FED) for _ in range(2))
    life = await life_of(first)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(first.restart, life, LIST)
        tasks.start_soon(second.restart, life, LIST)
    await first.restart(life, LIST)

    assert patches(rolling.cluster).count(200) == 1


async def test_another_list_is_another_restart(rolling: Ground) -> None:
    driver = rolling.driver(FED)
    life = await life_of(driver)

    await driver.restart(life, LIST)
    await driver.restart(life, LONGER)

    assert patches(rolling.cluster) == [200, 200]
    assert template_notes(rolling.cluster)[SERVERS] == digest(LONGER)


async def test_a_pod_made_for_this_list_is_restarted_when_it_has_to_be(rolling: Ground) -> None:
    """It hangs, say: that its workload was restarted for the list before is no reason not to."""
    driver = rolling.driver(FED)
    await driver.restart(await life_of(driver), LIST)
    fresh = pod(uid="uid-2")
    fresh["metadata"]["annotations"] = template_notes(rolling.cluster)
    rolling.cluster.put(POD, fresh)

    await driver.restart(await life_of(driver), LIST)

    assert patches(rolling.cluster) == [200, 200]


async def test_a_workload_that_changes_meanwhile_is_read_again(rolling: Ground) -> None:
    driver = rolling.driver(FED)
    life = await life_of(driver)
    rolling.cluster.meanwhile = [lambda: rolling.cluster.put(STATEFULSET, workload(replicas=4))]

    await driver.restart(life, LIST)

    assert patches(rolling.cluster) == [409, 200]
    assert rolling.cluster.objects[STATEFULSET]["spec"]["replicas"] == 4


async def test_a_workload_that_never_keeps_still_is_trouble(rolling: Ground) -> None:
    driver = rolling.driver(FED)
    life = await life_of(driver)
    rolling.cluster.meanwhile = [lambda: rolling.cluster.put(STATEFULSET, workload()) for _ in range(9)]

    with pytest.raises(DriverTrouble, match=r"refused it \(409\): .*the object has been modified"):
        await driver.restart(life, LIST)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"updateStrategy": {"type": "OnDelete"}}, "its updateStrategy is OnDelete, which restarts nothing"),
        ({"paused": True}, "its rollout is paused, which restarts nothing; run kubectl rollout resume"),
    ],
)
async def test_a_workload_that_would_replace_no_pod_is_told(
    rolling: Ground, spec: dict[str, Any], words: str
) -> None:
    rolling.cluster.put(STATEFULSET, workload(**spec))
    driver = rolling.driver(FED)

    with pytest.raises(DriverTrouble, match=f"statefulset fed cannot be restarted: {words}"):
        await driver.restart(await life_of(driver), LIST)
    assert patches(rolling.cluster) == []


# Refusals, in words.


@pytest.mark.parametrize(
    ("rules", "of", "doing", "lacks", "rule"),
    [
        (
            (),
            None,
            "look at pod fed-0",
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
async def test_a_missing_right_is_told_with_the_rule_that_gives_it(
    ground: Ground, rules: tuple[Rule, ...], of: Workload | None, doing: str, lacks: str, rule: str
) -> None:
    ground.cluster.rules = rules
    driver = ground.driver(of)

    with pytest.raises(DriverTrouble) as caught:
        await driver.restart(await life_of(driver), LIST)
    assert str(caught.value) == (
        f"cannot {doing}: service account federation/fed may not {lacks} in namespace federation (403); "
        f"add to its Role: {{{rule}}}"
    )


async def test_a_token_is_read_again_at_every_call(ground: Ground) -> None:
    driver = ground.driver()
    await driver.look()
    ground.cluster.tokens = {"the.next.token": ground.cluster.tokens[TOKEN]}

    with pytest.raises(
        DriverTrouble, match=r"does not accept the service account's token \(401\); it has expired"
    ):
        await driver.look()
    ground.access.token_file.write_text("the.next.token")
    assert await driver.look() is not None


async def test_a_pod_that_is_not_there_is_told_with_the_settings_that_name_it(ground: Ground) -> None:
    driver = KubernetesDriver(replace(ground.access, pod="fed-1"))
    ground.cluster.rules = (Rule("", "pods", ("get",)),)

    with pytest.raises(DriverTrouble, match=r'pods "fed-1" not found; see whether .*--kubernetes-pod'):
        await driver.look()


async def test_a_wrong_list_of_rights_to_a_workload_that_is_not_there(rolling: Ground) -> None:
    rolling.cluster.take(STATEFULSET)
    driver = rolling.driver(FED)

    with pytest.raises(DriverTrouble, match=r'statefulsets\.apps "fed" not found; see whether'):
        await driver.restart(await life_of(driver), LIST)


def busy(status: int, wait: str | None) -> web.Response:
    """What an overloaded API server says: no Status, but plain text."""
    headers = {"Retry-After": wait} if wait is not None else {}
    return web.Response(status=status, text="Too many requests, please try again later.\n", headers=headers)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_again_after_the_time_it_names(ground: Ground, status: int) -> None:
    driver = ground.driver()
    life = await life_of(driver)
    ground.cluster.busy = [busy(status, "0"), busy(status, "0")]

    await driver.restart(life, LIST)

    deletions = [call.status for call in ground.cluster.calls if call.verb == "delete"]
    assert deletions == [status, status, 200]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((429, "600"), r"busy \(429\) and asks for 600 s: Too many requests, please try again later\."),
        ((500, None), r"the API server refused it \(500\): Too many requests"),
    ],
)
async def test_a_server_that_stays_busy_is_trouble_for_now(
    ground: Ground, answer: tuple[int, str | None], words: str
) -> None:
    driver = ground.driver()
    life = await life_of(driver)
    ground.cluster.busy = [busy(*answer)]

    with pytest.raises(DriverTrouble, match=words):
        await driver.restart(life, LIST)


async def test_what_is_no_answer_is_told(ground: Ground) -> None:
    ground.cluster.busy = [web.Response(text="<html>a proxy</html>"), web.Response(text="[]")]
    driver = ground.driver()

    with pytest.raises(DriverTrouble, match="the API server's answer is no JSON"):
        await driver.look()
    with pytest.raises(DriverTrouble, match="the API server's answer is no JSON object"):
        await driver.look()


async def test_a_redirect_is_not_followed_with_the_token(ground: Ground) -> None:
    ground.cluster.busy = [web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})]

    with pytest.raises(DriverTrouble, match=r"refused it \(302\)"):
        await ground.driver().look()


async def test_a_server_that_hangs_is_given_up(ground: Ground) -> None:
    ground.cluster.hung = True
    driver = KubernetesDriver(ground.access, timeout=0.2)

    with pytest.raises(DriverTrouble, match="does not answer in time"):
        await driver.look()


async def test_a_server_that_is_not_there_is_told(ground: Ground) -> None:
    driver = KubernetesDriver(replace(ground.access, url="https://127.0.0.1:9"))

    with pytest.raises(
        DriverTrouble, match=r"https://127\.0\.0\.1:9: Connect call failed|Connection refused"
    ):
        await driver.look()


async def test_a_server_of_another_authority_gets_no_token(ground: Ground, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "other").cert
    driver = KubernetesDriver(replace(ground.access, ca_file=other))

    with pytest.raises(DriverTrouble, match=f"shows a certificate that {other} does not vouch for: "):
        await driver.look()
    assert ground.cluster.calls == []


async def test_a_token_that_vanished_is_told_by_its_file(ground: Ground) -> None:
    ground.access.token_file.unlink()

    with pytest.raises(DriverTrouble, match=rf"{ground.access.token_file}: No such file or directory"):
        await ground.driver().look()


# Noticing an end.


@asynccontextmanager
async def waiting_for_the_end(ground: Ground) -> AsyncIterator[None]:
    """A driver waits for the end of the life there is; the body brings it about. Watched once it begins."""
    driver = ground.driver()
    life = await life_of(driver)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(driver.ended, life)
            await ground.cluster.until(lambda: watches(ground.cluster) == 1)
            yield


def watches(cluster: Cluster) -> int:
    return sum(call.verb == "watch" for call in cluster.calls)


async def test_an_end_is_seen_on_a_watch_and_nothing_is_polled(ground: Ground) -> None:
    async with waiting_for_the_end(ground):
        ground.cluster.put(POD, pod(ready=False))  # a change, but no end
        ground.cluster.put(POD, pod(container="c-2"))

    watch = next(call for call in ground.cluster.calls if call.verb == "watch")
    assert watch.query["fieldSelector"] == "metadata.name=fed-0"
    assert ground.cluster.verbs() == [f"get {POD}"] * 2


@pytest.mark.parametrize("interruption", [Cluster.compact, Cluster.drop_streams])
async def test_a_watch_that_ends_begins_again_from_a_fresh_look(
    ground: Ground, interruption: Callable[[Cluster], None]
) -> None:
    async with waiting_for_the_end(ground):
        ground.cluster.put(POD, pod())
        interruption(ground.cluster)
        await ground.cluster.until(lambda: watches(ground.cluster) == 2)
        ground.cluster.take(POD)


async def test_without_the_right_to_watch_the_pod_is_looked_at(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    ground.cluster.rules = (Rule("", "pods", ("get",), ("fed-0",)),)

    async with waiting_for_the_end(ground):
        await ground.cluster.until(lambda: len(ground.cluster.verbs()) > 6)
        ground.cluster.put(POD, pod(container="c-2"))

    assert watches(ground.cluster) == 1
    told = [record.getMessage() for record in caplog.records]
    assert told.count("the pod is looked at every few seconds") == 1


async def test_an_end_during_an_outage_of_the_server_is_seen_after_it(ground: Ground) -> None:
    driver = ground.driver()
    life = await life_of(driver)
    ground.cluster.busy = [busy(503, None) for _ in range(3)]
    ground.cluster.put(POD, pod(container="c-2"))

    with anyio.fail_after(10):
        await driver.ended(life)
    assert ground.cluster.busy == []


# In a cluster, or not.


def test_outside_of_a_cluster_that_is_what_is_told(folder: Path) -> None:
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
def test_a_pod_without_a_token_is_told_how_to_get_one(folder: Path, missing: str) -> None:
    (folder / missing).unlink()

    with pytest.raises(BadConfiguration, match=rf"{missing} cannot be read .* --kubernetes-mode container"):
        KubernetesAccess.in_cluster({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, host_name="fed-0", folder=folder)
