"""The objects of a Kubernetes cluster for tests, as its API spells them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

NAMESPACE = "federation"

POD = f"/api/v1/namespaces/{NAMESPACE}/pods/fed-0"
STATEFULSET = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/fed"


def pod(name: str = "fed-0", *, uid: str = "uid-1", container: str = "c-1", **status: Any) -> Json:
    """A pod with a native sidecar whose main container runs; ``status`` replaces parts of its status."""
    running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    state = {
        "name": "server",
        "containerID": f"containerd://{container}",
        "ready": True,
        "state": running,
        **status,
    }
    gate = {"name": "sidecar", "restartPolicy": "Always", "startupProbe": {"httpGet": {"path": "/startupz"}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": uid, "annotations": {}},
        "spec": {"initContainers": [gate], "containers": [{"name": "server"}]},
        "status": {
            "containerStatuses": [state],
            "initContainerStatuses": [{"name": "sidecar", "ready": True}],
        },
    }


def workload(kind: str = "StatefulSet", name: str = "fed", **spec: Any) -> Json:
    """A workload; ``spec`` adds to its spec."""
    template: Json = {"metadata": {"annotations": {}}}
    metadata = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}"}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {"template": template, **spec},
    }


def is_being_deleted(thing: Json) -> bool:
    """Whether it is marked as deleted; the kubelet removes it once its container has exited."""
    return "deletionTimestamp" in thing["metadata"]
