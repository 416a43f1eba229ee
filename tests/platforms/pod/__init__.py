"""Pods of `k8s/` that really run: under `podman play kube`, which does the kubelet's part."""
