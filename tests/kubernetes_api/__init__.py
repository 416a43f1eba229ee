"""A Kubernetes cluster for tests, in this process.

Here: its API server (`server`), what that holds (`cluster`, `objects`), and what acts on it: a `controller`
that makes pods and replaces them, and a `kubelet` that runs their container as a process of this machine.
Both are left out where a test plays them itself.
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
