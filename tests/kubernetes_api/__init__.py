"""A Kubernetes cluster for tests, in this process.

Belongs here: its API server (`server`), its state (`cluster`, `objects`), a `controller` that creates and
replaces pods, and a `kubelet` that runs their container as a process of this machine. A test may act as
either itself. Forbidden here: the sidecar's code. `tests.platforms.kubernetes_api` compares the answers with
a real server's.
"""

from tests.kubernetes_api.cluster import POD_RULES, TOKEN, WORKLOAD_RULES, Call, Cluster, Rule
from tests.kubernetes_api.objects import NAMESPACE, POD, STATEFULSET, pod, workload
from tests.kubernetes_api.server import serve_api

__all__ = [
    "NAMESPACE",
    "POD",
    "POD_RULES",
    "STATEFULSET",
    "TOKEN",
    "WORKLOAD_RULES",
    "Call",
    "Cluster",
    "Rule",
    "pod",
    "serve_api",
    "workload",
]
