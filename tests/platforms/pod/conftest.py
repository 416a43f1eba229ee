"""The federation of pods that the tests share."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kit.prerequisites import require
from tests.kit.waiting import wait_until
from tests.platforms.kubernetes.rendering import REPOSITORY, TREE, Rendered, render
from tests.platforms.pod.podman import Podman
from tests.platforms.pod.pods import NETWORK, Pod, pod_manifests

FEDERATION = pytest.StashKey["PodFederation"]()

IMAGES = ["federation-sidecar", "federated-server", "database-node", "etcd"]

OVERLAY: dict[str, Any] = {
    "apiVersion": "kustomize.config.k8s.io/v1beta1",
    "kind": "Kustomization",
    "namespace": "federation",
    "resources": ["../demo"],
    # A short lease, for a test that waits for another leader.
    "configMapGenerator": [{"name": "sidecar", "behavior": "merge", "literals": ["SIDECAR_LEASE_TTL=3"]}],
    "images": [{"name": name, "newTag": "pod"} for name in IMAGES],
}

NEWCOMER = """{
  "Mode": "federated",
  "Port": 9000,
  "NodeID": "fed-3",
  "FederatedServers": ["http://fed-0.fed:9000", "http://fed-3.fed:9000"]
}
"""


@dataclass
class PodFederation:
    """The running pods, and the manifests that they were created from."""

    podman: Podman
    rendered: Rendered
    folder: Path
    pods: dict[str, Pod] = field(default_factory=dict)

    def create_pod(self, workload: str, number: int, rendered: Rendered | None = None) -> Pod:
        """Create a pod and start its sidecar."""
        documents = pod_manifests(rendered or self.rendered, workload, number)
        pod = Pod.create(self.podman, documents, workload, self.folder)
        self.pods[pod.name] = pod
        return pod

    def remove(self, pod: Pod) -> None:
        """Remove a pod and its volumes."""
        del self.pods[pod.name]
        pod.remove()

    def servers(self) -> list[Pod]:
        return [pod for pod in self.pods.values() if pod.workload == "fed"]

    def wait_until_served(self, servers: list[str], *pods: Pod) -> None:
        """Wait until each of ``pods`` (default: all but etcd) serves ``servers``."""
        for pod in pods or [pod for pod in self.pods.values() if pod.workload != "etcd"]:
            wait_until(partial(pod.serves, servers), f"{pod.name} serves {servers}", 90)


def _with_newcomer(tree: Path) -> Path:
    """The overlay scaled to four servers, as documented: one more replica and one more seed."""
    folder = tree / "overlays" / "scaled"
    folder.mkdir()
    (folder / "fed-3.json").write_text(NEWCOMER)
    lines = {
        **{key: OVERLAY[key] for key in ("apiVersion", "kind", "namespace")},
        "resources": ["../test"],
        "replicas": [{"name": "fed", "count": 4}],
        "configMapGenerator": [{"name": "fed-seed", "behavior": "merge", "files": ["fed-3.json"]}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(lines))
    return folder


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `k8s/` with an overlay that uses the images of this machine."""
    copy = tmp_path_factory.mktemp("rendered") / "k8s"
    shutil.copytree(TREE, copy, ignore=shutil.ignore_patterns("secrets"))
    folder = copy / "overlays" / "test"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(OVERLAY))
    return copy


@pytest.fixture(scope="session")
def scaled(tree: Path) -> Rendered:
    """What is applied to add a fourth server."""
    return Rendered("scaled", render(_with_newcomer(tree)))


@pytest.fixture(scope="session")
def federation(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodFederation]:
    """An empty federation of pods, with a network for the pods."""
    require(shutil.which("podman") is not None, "podman (see tools/test-pod)")
    podman = Podman.at(REPOSITORY / ".cache" / "podman")
    for image in IMAGES:
        require(
            podman.run("image", "exists", f"{image}:pod").returncode == 0, f"{image}:pod (tools/test-pod)"
        )
    rendered = Rendered("test", render(tree / "overlays" / "test"))
    federation = PodFederation(podman, rendered, tmp_path_factory.mktemp("pods"))
    _clear(podman)
    podman.run_or_fail("network", "create", NETWORK)
    try:
        yield federation
    finally:
        _clear(podman)


def _clear(podman: Podman) -> None:
    """Remove everything, also what a killed run left; the store belongs to these tests alone."""
    podman.run("pod", "rm", "--all", "--force", "--time", "1")
    podman.run("volume", "prune", "--force")
    podman.run("network", "rm", "--force", NETWORK)


@pytest.fixture(autouse=True)
def stash_federation(request: pytest.FixtureRequest, federation: PodFederation) -> None:
    """Let a failed test report the logs of its pods."""
    request.node.stash[FEDERATION] = federation


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed and FEDERATION in item.stash:
        federation = item.stash[FEDERATION]
        report.sections.append(("podman ps", federation.podman.run("ps", "--all").stdout))
        report.sections += [(pod.name, pod.logs()) for pod in federation.servers()]
    return report
