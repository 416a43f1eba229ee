"""Where the API server is, and with what the sidecar shows who it is: what every pod is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sidecar.domain.errors import BadConfiguration
from sidecar.domain.printing import why_unreadable

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet puts a service account's token, the CA and the namespace."""

_ACCESS_HINT = (
    "give the sidecar a service account's token (k8s/components/restart-by-pod and restart-by-workload do), "
    "or restart with --kubernetes-mode container, which needs none"
)


@dataclass(frozen=True, slots=True)
class KubernetesAccess:
    """How to reach the API server as this pod's service account.

    ``url`` is its root, without a slash at the end. ``namespace`` and ``pod`` name the pod that the sidecar
    runs in. Token and CA are read at every call: the kubelet replaces a token before it expires.
    """

    url: str
    token_file: Path
    ca_file: Path
    namespace: str
    pod: str

    @classmethod
    def in_cluster(
        cls,
        environ: Mapping[str, str],
        *,
        host_name: str,
        namespace: str | None = None,
        pod: str | None = None,
        folder: Path = SERVICE_ACCOUNT,
    ) -> KubernetesAccess:
        """What the kubelet says through the environment and ``folder``. Raises `BadConfiguration`.

        A pod's ``host_name`` is its name, unless it uses the host's network.
        """
        host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
        if not host:
            raise BadConfiguration(
                "--restart kubernetes: this is not a pod of a cluster: KUBERNETES_SERVICE_HOST is not set; "
                "choose another --restart, or --kubernetes-mode container"
            )
        access = cls(
            f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            folder / "token",
            folder / "ca.crt",
            namespace or _read_namespace(folder / "namespace"),
            pod or host_name,
        )
        for file in (access.token_file, access.ca_file):
            _require_readable(file)
        return access

    def token(self) -> str:
        """The service account's token as it is now. Raises OSError."""
        return self.token_file.read_text(encoding="ascii").strip()


def _read_namespace(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise BadConfiguration(
            f"--restart kubernetes: the namespace is not known, as {file} {why_unreadable(exc)}; "
            f"set --kubernetes-namespace, or {_ACCESS_HINT}"
        ) from exc


def _require_readable(file: Path) -> None:
    try:
        file.open("rb").close()
    except OSError as exc:
        raise BadConfiguration(f"--restart kubernetes: {file} {why_unreadable(exc)}; {_ACCESS_HINT}") from exc
