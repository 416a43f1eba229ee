"""What `k8s/` renders to: valid for the API, within the restricted standard, and as documented.

Belongs here: checks of rendered manifests. Forbidden here: anything that needs a cluster
(`tests.platforms.kubernetes_api`, `tests.platforms.pod`).
"""
