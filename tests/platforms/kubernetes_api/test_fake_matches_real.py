"""The fake API server of the tests rejects requests with the same answers as a real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from tests.kit.certificates import Authority
from tests.kubernetes_api import POD, STATEFULSET, TOKEN, Cluster, Rule, pod, serve_api, workload
from tests.platforms.kubernetes.rendering import Rendered
from tests.platforms.kubernetes_api.conftest import pod_of
from tests.platforms.kubernetes_api.server import Api, path_of

Json = dict[str, Any]

pytestmark = pytest.mark.anyio

STRATEGIC = "application/strategic-merge-patch+json"
PODS, STATEFULSETS = POD.rpartition("/")[0], STATEFULSET.rpartition("/")[0]
WATCH = "?watch=1&resourceVersion=1&timeoutSeconds=1&fieldSelector=metadata.name%3D"

RIGHTS = (
    Rule("", "pods", ("get", "watch", "delete"), ("fed-0", "fed-9")),
    Rule("apps", "statefulsets", ("get", "patch"), ("fed", "nope")),
)


@dataclass(frozen=True)
class ApiCall:
    """A request to both servers."""

    verb: str
    path: str
    body: Json | None = None
    kind: str = "application/json"
    token: str | None = TOKEN


def notes(**annotations: str) -> Json:
    return {"spec": {"template": {"metadata": {"annotations": annotations}}}}


OTHER = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "another"}}

CALLS = {
    "no token": ApiCall("GET", POD, token=None),
    "a bad token": ApiCall("GET", POD, token="bad"),
    "no right to a pod": ApiCall("GET", f"{PODS}/fed-1"),
    "no right to list": ApiCall("GET", PODS),
    "no right to watch": ApiCall("GET", f"{PODS}{WATCH}fed-1"),
    "no right to a workload": ApiCall("PATCH", f"{STATEFULSETS}/db", notes(), STRATEGIC),
    "no such pod": ApiCall("GET", f"{PODS}/fed-9"),
    "no such pod to delete": ApiCall("DELETE", f"{PODS}/fed-9", OTHER),
    "no such workload": ApiCall("GET", f"{STATEFULSETS}/nope"),
    "another pod of that name": ApiCall("DELETE", POD, OTHER),
    "an old version": ApiCall(
        "PATCH", STATEFULSET, {"metadata": {"resourceVersion": "1"}, **notes(x="y")}, STRATEGIC
    ),
    "no kind of patch": ApiCall("PATCH", STATEFULSET, notes(x="y"), "application/json"),
    "no name for an annotation": ApiCall("PATCH", STATEFULSET, notes(**{"bad key!": "x"}), STRATEGIC),
}


@pytest.fixture(scope="module")
def real(namespace: Api, rendered_all: dict[str, Rendered]) -> Iterator[tuple[Api, str, str]]:
    """A real cluster with a pod, a workload and an account of `RIGHTS`; its token, and the pod's uid."""
    demo = rendered_all["demo"]
    rules = [
        {
            "apiGroups": [r.group],
            "resources": [r.resource],
            "resourceNames": list(r.names),
            "verbs": list(r.verbs),
        }
        for r in RIGHTS
    ]
    metadata = {"name": "alike", "namespace": "federation"}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata,
        "rules": rules,
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "alike"},
        "subjects": [{"kind": "ServiceAccount", "name": "fed", "namespace": "federation"}],
    }
    for each in (demo.one("ServiceAccount", "fed"), demo.one("StatefulSet", "fed"), role, binding):
        status, answer = namespace.apply(each)
        assert status in (200, 201), answer
    status, answer = namespace.apply(pod_of(demo, "fed"))
    assert status in (200, 201), answer
    yield namespace, namespace.token("fed"), answer["metadata"]["uid"]
    for each in (role, binding):
        namespace.request("DELETE", path_of(each))


@pytest.mark.parametrize("name", CALLS)
async def test_the_same_request_gets_the_same_answer(
    real: tuple[Api, str, str], name: str, tmp_path: Path
) -> None:
    api, token, uid = real
    call = CALLS[name]
    cluster = Cluster(rules=RIGHTS)
    cluster.put(POD, pod(uid=uid))
    cluster.version = 7
    cluster.put(STATEFULSET, workload())
    authority = Authority(tmp_path)

    async with serve_api(cluster, authority.issue("api")) as port:
        fake_answer = await to_thread.run_sync(partial(_send, Api(port, authority.cert), call, TOKEN))
    real_answer = await to_thread.run_sync(partial(_send, api, call, token))

    assert 400 <= real_answer[0] < 500, real_answer
    assert fake_answer == real_answer


def _send(api: Api, call: ApiCall, token: str) -> tuple[int, str]:
    own = token if call.token == TOKEN else call.token or ""
    status, body = api.request(call.verb, call.path, call.body, token=own, kind=call.kind)
    return status, json.dumps(body, sort_keys=True)
