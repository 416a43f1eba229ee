"""The driver and `k8s/` against a real kube-apiserver, which the fake one has to match.

Belongs here: what only a real API server decides. Forbidden here: pods that run (`tests.platforms.pod`).
"""
