"""A cluster with one pod, and with a workload."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from tests.adapters.restart.drivers.kubernetes.cluster import (
    FakeCluster,
)
from tests.kit.certificates import Authority, KeyPair
from tests.kubernetes_api import (
    NAMESPACE,
    POD,
    STATEFULSET,
    TOKEN,
    WORKLOAD_RULES,
    Cluster,
    pod,
    serve_api,
    workload,
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


# Mode workload.


@pytest.fixture
def rolling(fake: FakeCluster) -> FakeCluster:
    fake.cluster.rules = WORKLOAD_RULES
    return fake
