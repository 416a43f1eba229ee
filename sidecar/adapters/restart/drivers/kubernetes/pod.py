"""What a Pod object says of the container whose process is managed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sidecar.adapters.restart.driver import Incarnation

Json = dict[str, Any]

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
"""The annotation that names a pod's main container; without it, that is the first."""

# Before a container's first start: its turn has not come (init containers, the sidecar's boot check).
_BEFORE_FIRST_START = ("", "PodInitializing", "ContainerCreating")


def uid(pod: Json) -> str:
    """Which of the pods that have had this name it is."""
    return str(pod.get("metadata", {}).get("uid", ""))


def resource_version(pod: Json) -> str:
    """The state of the object, to watch it from."""
    return str(pod.get("metadata", {}).get("resourceVersion", ""))


def annotations_of(thing: Json) -> dict[str, str]:
    """The annotations of a Pod or of a workload's pod template."""
    found = thing.get("metadata", {}).get("annotations")
    return found if isinstance(found, dict) else {}


def pod_uid_of(incarnation: Incarnation) -> str:
    """The uid of the pod of ``incarnation``."""
    return incarnation.id.partition("/")[0]


def parse_incarnation(pod: Json, now: float) -> Incarnation | None:
    """The incarnation of the pod's main container at ``now`` (Unix seconds); None before its first start.

    A container that has ended, and that the kubelet will start again, keeps the incarnation that it had, not
    ready: the reason (CrashLoopBackOff, OOMKilled) would be lost otherwise. Its ID identifies it.
    """
    status = _status(pod)
    state = status.get("state") or {}
    waiting = state.get("waiting")
    container = str(status.get("containerID") or "")
    if not container and (waiting or {}).get("reason", "") in _BEFORE_FIRST_START:
        return None
    started = (state.get("running") or {}).get("startedAt")
    age = None if started is None else max(0.0, now - datetime.fromisoformat(started).timestamp())
    return Incarnation(f"{uid(pod)}/{container}", age=age, unready_reason=_why_unready(pod, status))


def has_startup_gate(pod: Json) -> bool:
    """Whether the main container starts only after a native sidecar's startup probe."""
    return any(
        each.get("restartPolicy") == "Always" and each.get("startupProbe")
        for each in pod.get("spec", {}).get("initContainers") or ()
    )


def _status(pod: Json) -> Json:
    containers = [each.get("name") for each in pod.get("spec", {}).get("containers") or ()]
    main = annotations_of(pod).get(DEFAULT_CONTAINER) or next(iter(containers), None)
    statuses: list[Json] = pod.get("status", {}).get("containerStatuses") or []
    return next((each for each in statuses if each.get("name") == main), {})


def _why_unready(pod: Json, status: Json) -> str:
    """Why the container does not serve. The pod's own readiness is not asked: the sidecar is part of it."""
    what = f"container {status.get('name')} of pod {pod.get('metadata', {}).get('name')}"
    state = status.get("state") or {}
    if pod.get("metadata", {}).get("deletionTimestamp"):
        return f"pod {pod['metadata'].get('name')} is being deleted"
    if waiting := state.get("waiting"):
        return f"{what} waits: {_reason(waiting)}{_last_termination(status)}"
    if ended := state.get("terminated"):
        return f"{what} has ended with exit code {ended.get('exitCode')}: {_reason(ended)}"
    return "" if status.get("ready") else f"{what} runs, but its readiness probe has not passed"


def _reason(state: Json) -> str:
    parts = (state.get("reason"), state.get("message"))
    return ", ".join(str(part).strip() for part in parts if part) or "no reason given"


def _last_termination(status: Json) -> str:
    ended = (status.get("lastState") or {}).get("terminated")
    return f"; it last ended with exit code {ended.get('exitCode')}: {_reason(ended)}" if ended else ""
