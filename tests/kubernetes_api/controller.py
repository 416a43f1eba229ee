"""The controller of a StatefulSet of one pod: it creates the pod, and replaces it."""

from __future__ import annotations

from itertools import count

from tests.kubernetes_api.cluster import Cluster
from tests.kubernetes_api.objects import POD, STATEFULSET, Json, is_being_deleted, pod

_NOT_STARTED: Json = {"containerID": "", "ready": False, "state": {"waiting": {"reason": "PodInitializing"}}}


class Controller:
    """Keeps one pod, created from the current template; none with ``replicas: 0``.

    While paused it does nothing. It deletes a pod by marking it; the kubelet stops the pod and removes it.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._numbers = count(1)
        self._paused = False

    def pause(self, paused: bool) -> None:
        self._paused = paused
        self._cluster.signal_change()

    async def scale(self, replicas: int) -> None:
        """Scale as ``kubectl scale`` does; with 0, return once the pod is gone."""
        found = self._cluster.objects[STATEFULSET]
        self._cluster.put(STATEFULSET, {**found, "spec": {**found["spec"], "replicas": replicas}})
        if not replicas:
            await self._cluster.wait_for_change(lambda: POD not in self._cluster.objects)

    async def run(self) -> None:
        """Reconcile after every change, including its own."""
        while True:
            changed = self._cluster.changed
            if not self._paused:
                self._reconcile()
            await changed.wait()

    def _reconcile(self) -> None:
        spec, found = self._cluster.objects[STATEFULSET]["spec"], self._cluster.objects.get(POD)
        notes = spec["template"]["metadata"]["annotations"]
        if found is None:
            if spec["replicas"]:
                self._cluster.put(POD, self._make_pod(notes))
            return
        is_outdated = not spec["replicas"] or found["metadata"]["annotations"] != notes
        if is_outdated and not is_being_deleted(found):
            gone = {**found["metadata"], "deletionTimestamp": "2026-01-01T01:00:00Z"}
            self._cluster.put(POD, {**found, "metadata": gone})

    def _make_pod(self, notes: Json) -> Json:
        made = pod(uid=f"uid-{next(self._numbers)}", **_NOT_STARTED)
        made["metadata"]["annotations"] = notes
        return made
