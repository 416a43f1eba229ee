"""A StatefulSet, Deployment or DaemonSet: its name, and what a rolling restart of it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sidecar.adapters.restart.drivers.kubernetes.pod import annotations_of
from sidecar.domain.servers import ServerList

Json = dict[str, Any]

RESTARTED_AT_ANNOTATION = "kubectl.kubernetes.io/restartedAt"
"""What ``kubectl rollout restart`` sets in the pod template, so that every pod is replaced."""

SERVERS_ANNOTATION = "federation-sidecar/servers"
"""Our own annotation beside it: the digest of the list that the pods were replaced for."""


@dataclass(frozen=True, slots=True)
class Workload:
    """``resource`` is its plural, as the API spells it."""

    resource: str
    name: str

    def path(self, namespace: str) -> str:
        """Where it is in the API."""
        return f"/apis/apps/v1/namespaces/{namespace}/{self.resource}/{self.name}"

    def __str__(self) -> str:
        return f"{self.resource.removesuffix('s')} {self.name}"


def digest(servers: ServerList) -> str:
    """What tells lists apart, short enough for an annotation; order counts, spelling does not."""
    return hashlib.sha256("\n".join(url.normal for url in servers).encode()).hexdigest()[:32]


def is_restart_pending(workload: Json, pod: Json, servers: ServerList) -> bool:
    """Whether a restart for ``servers`` was asked for already, and has yet to reach ``pod``.

    A pod carries the annotations of the template that it was made from.
    """
    asked, made_from = annotations_of(_template(workload)), annotations_of(pod)
    same = asked.get(SERVERS_ANNOTATION) == digest(servers)
    return same and asked.get(RESTARTED_AT_ANNOTATION) != made_from.get(RESTARTED_AT_ANNOTATION)


def why_not_restartable(workload: Json) -> str:
    """Why another pod template would replace no pod; ``""`` where it would."""
    spec = workload.get("spec", {})
    strategy = (spec.get("updateStrategy") or {}).get("type")
    if strategy == "OnDelete":
        return "its updateStrategy is OnDelete, which restarts nothing; set RollingUpdate, or use mode pod"
    if spec.get("paused"):
        return "its rollout is paused, which restarts nothing; run kubectl rollout resume"
    return ""


def restart_patch(workload: Json, servers: ServerList, at: str) -> Json:
    """The patch that has every pod replaced; it holds only while ``workload`` is as it was read."""
    return {
        "metadata": {"resourceVersion": workload.get("metadata", {}).get("resourceVersion")},
        "spec": {
            "template": {
                "metadata": {
                    "annotations": {RESTARTED_AT_ANNOTATION: at, SERVERS_ANNOTATION: digest(servers)}
                }
            }
        },
    }


def _template(workload: Json) -> Json:
    found = workload.get("spec", {}).get("template")
    return found if isinstance(found, dict) else {}
