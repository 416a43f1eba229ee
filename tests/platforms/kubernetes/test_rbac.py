"""A Role allows exactly the requests of the driver, which runs here with the rendered rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.adapters.restart.drivers.kubernetes.driver import KubernetesDriver
from sidecar.adapters.restart.drivers.kubernetes.workload import Workload
from sidecar.domain.servers import ServerList
from tests.kit.certificates import Authority
from tests.kubernetes_api import NAMESPACE, POD, STATEFULSET, TOKEN, Cluster, Rule, pod, serve_api, workload
from tests.platforms.kubernetes.rendering import Rendered

Json = dict[str, Any]

LIST = ServerList.parse(["http://fed-0.fed:9000"])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def rules(rendered: Rendered, account: str) -> tuple[Rule, ...]:
    """The rules that bind ``account``."""
    roles = {each["metadata"]["name"]: each for each in rendered.of("Role")}
    found: list[Rule] = []
    for binding in rendered.of("RoleBinding"):
        if {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE} in binding["subjects"]:
            found += [_rule(each) for each in roles[binding["roleRef"]["name"]]["rules"]]
    return tuple(found)


def _rule(rule: Json) -> Rule:
    (group,), (resource,) = rule["apiGroups"], rule["resources"]
    return Rule(group, resource, tuple(rule["verbs"]), tuple(rule["resourceNames"]))


@pytest.mark.anyio
@pytest.mark.parametrize("variant", ["demo+pod", "demo+workload", "production+pod", "production+workload"])
async def test_the_rules_allow_exactly_what_the_driver_does(
    rendered_all: dict[str, Rendered], variant: str, tmp_path: Path
) -> None:
    granted = rules(rendered_all[variant], "fed")
    cluster = Cluster(rules=granted)
    cluster.put(POD, pod())
    cluster.put(STATEFULSET, workload())
    authority = Authority(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    async with serve_api(cluster, authority.issue("api")) as port:
        access = KubernetesAccess(
            f"https://127.0.0.1:{port}", tmp_path / "token", authority.cert, NAMESPACE, "fed-0"
        )
        await _run_driver(access, variant.partition("+")[2], cluster)

    assert {call.status for call in cluster.calls} == {200}
    kinds = {"pods": "", "statefulsets": "apps"}
    used = {
        (kinds[part], part, call.verb) for call in cluster.calls for part in kinds if f"/{part}" in call.path
    }
    assert used == {(rule.group, rule.resource, verb) for rule in granted for verb in rule.verbs}


async def _run_driver(access: KubernetesAccess, mode: str, cluster: Cluster) -> None:
    """Everything that a driver does: observe, wait for an end, restart."""
    owner = Workload("statefulsets", "fed") if mode == "workload" else None
    driver = KubernetesDriver(access, workload=owner)
    incarnation = await driver.observe()
    assert incarnation is not None
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(driver.wait_for_end, incarnation)
            await cluster.wait_for_request(lambda: any(call.verb == "watch" for call in cluster.calls))
            await driver.restart(incarnation, LIST)
            cluster.put(POD, pod(uid="uid-2"))


@pytest.mark.parametrize("variant", ["demo+pod", "demo+workload"])
def test_every_rule_is_limited_to_own_objects(rendered_all: dict[str, Rendered], variant: str) -> None:
    rendered = rendered_all[variant]
    for name in ("fed", "db"):
        granted = rules(rendered, name)
        assert granted
        for rule in granted:
            assert rule.names, "a rule without names allows access to every object"
            own = {name} if rule.resource == "statefulsets" else {f"{name}-{n}" for n in range(20)}
            assert set(rule.names) <= own
        replicas = rendered.one("StatefulSet", name)["spec"]["replicas"]
        pods = {each for rule in granted if rule.resource == "pods" for each in rule.names}
        assert {f"{name}-{number}" for number in range(replicas + 1)} <= pods, (
            "scaling by one needs no change of the Role"
        )
