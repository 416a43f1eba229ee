"""A real API server for all tests of this folder."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.etcd.servers import EtcdServer
from tests.kit.ports import PortPool
from tests.kit.prerequisites import require
from tests.platforms.kubernetes.rendering import REPOSITORY, Rendered, variants
from tests.platforms.kubernetes_api.server import Api, ApiServer

Json = dict[str, Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def rendered_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    """Every variant of k8s/, by name."""
    return {each.name: each for each in variants(tmp_path_factory.mktemp("rendered"))}


@pytest.fixture(scope="session")
def api(shared_etcd: EtcdServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API server, still without a namespace for k8s/."""
    binary = REPOSITORY / ".cache" / "kube-apiserver"
    require(binary.exists(), "a kube-apiserver in .cache (tools/build-kube-apiserver)")
    ports = PortPool()
    server = ApiServer(binary, tmp_path_factory.mktemp("api"), etcd=shared_etcd.url, port=ports.take())
    try:
        server.start()
        yield server.api
    finally:
        server.stop()
        ports.close()


@pytest.fixture(scope="session")
def namespace(api: Api, rendered_all: dict[str, Rendered]) -> Api:
    """The API server with the namespace `federation`, which enforces the restricted standard."""
    status, answer = api.apply(rendered_all["demo"].one("Namespace", "federation"))
    assert status == 201, answer
    return api


def pod_of(rendered: Rendered, workload: str, number: int = 0) -> Json:
    """The pod that the StatefulSet controller would create."""
    statefulset = rendered.one("StatefulSet", workload)
    template = copy.deepcopy(statefulset["spec"]["template"])
    for claim in statefulset["spec"].get("volumeClaimTemplates", []):
        name = claim["metadata"]["name"]
        template["spec"]["volumes"].append({"name": name, "persistentVolumeClaim": {"claimName": name}})
    metadata = {**template["metadata"], "name": f"{workload}-{number}", "namespace": "federation"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
