"""A real kube-apiserver on loopback, and requests to it as its administrator or with another token."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.kit.certificates import Authority
from tests.kit.waiting import wait_until

Json = dict[str, Any]

ADMIN = "administrator"
APPLY = "application/apply-patch+yaml"

_PLURALS = {
    "ConfigMap": "configmaps",
    "Namespace": "namespaces",
    "NetworkPolicy": "networkpolicies",
    "Pod": "pods",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "StatefulSet": "statefulsets",
}


@dataclass(frozen=True, slots=True)
class Api:
    """The port of an API server, and the CA of its certificate."""

    port: int
    ca: Path

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        token: str = ADMIN,
        kind: str = "application/json",
    ) -> tuple[int, Json]:
        """Send one request: the status code, and a JSON body. An empty ``token`` is anonymous."""
        context = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=context)
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith("{") else {}

    def apply(self, thing: Json, *, dry: bool = False) -> tuple[int, Json]:
        """Apply ``thing`` on the server side, which rejects unknown fields."""
        query = "fieldManager=tests&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry else "")
        return self.request("PATCH", f"{path_of(thing)}?{query}", thing, kind=APPLY)

    def token(self, account: str) -> str:
        """A token for a service account of the namespace `federation`."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        path = f"/api/v1/namespaces/federation/serviceaccounts/{account}/token"
        status, answer = self.request("POST", path, body)
        assert status == 201, answer
        return str(answer["status"]["token"])


def path_of(thing: Json) -> str:
    """The path of an object in the API."""
    metadata, version = thing["metadata"], thing["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    space = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{space}/{_PLURALS[thing['kind']]}/{metadata['name']}"


class ApiServer:
    """The process; `start` returns once it is ready."""

    def __init__(self, binary: Path, folder: Path, *, etcd: str, port: int) -> None:
        self._folder = folder
        authority = Authority(folder / "ca")
        pair = authority.issue("api")
        key = folder / "accounts.pem"
        key.write_bytes(_private_key())
        tokens = folder / "tokens.csv"
        tokens.write_text(f"{ADMIN},admin,1,system:masters\n")
        self.api = Api(port, authority.cert)
        self._command = [
            str(binary),
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={pair.cert}",
            f"--tls-private-key-file={pair.key}",
            f"--cert-dir={folder}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={tokens}",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            # It requires the account of each pod to exist, which needs a controller for the default ones.
            "--disable-admission-plugins=ServiceAccount",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        wait_until(self._ready, f"kube-apiserver is ready; see {self._folder / 'log'}", 120)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            return self.api.request("GET", "/readyz")[0] == 200
        except OSError:
            return False


def _private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
