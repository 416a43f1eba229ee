"""Where the API server is, and as which account it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.domain.errors import BadConfiguration
from tests.kubernetes_api import (
    NAMESPACE,
)


def test_outside_of_a_cluster_the_error_says_so(folder: Path) -> None:
    with pytest.raises(
        BadConfiguration, match="this is not a pod of a cluster: KUBERNETES_SERVICE_HOST is not set"
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
