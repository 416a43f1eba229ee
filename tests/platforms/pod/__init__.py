"""The pods of `k8s/` under `podman play kube`, which does what a kubelet does; `tools/test-pod` runs these
tests.

Belongs here: what only running pods show. Forbidden here: checks of the manifests
(`tests.platforms.kubernetes`).
"""
