"""A container of the sidecar's own pod, restarted through the Kubernetes API: the pod, or its workload."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

import anyio

from sidecar.adapters.restart.driver import Incarnation
from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.adapters.restart.drivers.kubernetes.api import Json, KubernetesApi
from sidecar.adapters.restart.drivers.kubernetes.errors import ApiError, NoAnswer
from sidecar.adapters.restart.drivers.kubernetes.pod import (
    has_startup_gate,
    parse_incarnation,
    pod_uid_of,
    resource_version,
)
from sidecar.adapters.restart.drivers.kubernetes.workload import (
    Workload,
    is_restart_pending,
    restart_patch,
    why_not_restartable,
)
from sidecar.domain.errors import DriverError
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

_FIELD_MANAGER = "federation-sidecar"

# Conflicts in a row that are nothing unusual: a workload's status changes all the time while it rolls out.
_MAX_CONFLICTS = 5

# How often a restart waits for an API server that is busy, and for how many seconds at most.
_MAX_BUSY_RETRIES, _MAX_RETRY_AFTER = 3, 10.0

_NOT_FOUND_HINT = (
    "; see whether --kubernetes-namespace, --kubernetes-pod and --kubernetes-workload name what there is"
)


@dataclass(frozen=True, slots=True)
class WatchIntervals:
    """Seconds between two looks at the pod.

    After a watch that ended, growing with each failure in a row; and where it cannot be watched.
    """

    first: float = 1.0
    factor: float = 2.0
    max: float = 30.0
    without_watch: float = 5.0


class KubernetesDriver:
    """Implements `Driver` for the pod that the sidecar runs in.

    Without a ``workload`` it deletes its own pod, and the controller makes the next. The sidecar ends with
    it, and the next pod's boot check comes before the process. With one it marks that workload's pod
    template, as ``kubectl rollout restart`` does, and its controller replaces the pods one by one; a digest
    of the list beside the mark has all nodes of one workload ask for that once, not once each.
    """

    starts_new_incarnation = True

    def __init__(
        self,
        access: KubernetesAccess,
        *,
        workload: Workload | None = None,
        now: Callable[[], float] = time.time,
        timeout: float = 4.0,
        intervals: WatchIntervals = WatchIntervals(),
    ) -> None:
        self._api = KubernetesApi(access, timeout=timeout)
        self._intervals = intervals
        self._access = access
        self._workload = workload
        self._now = now
        self._may_watch = True

    @property
    def label(self) -> str:
        return f"pod {self._access.pod}" if self._workload is None else str(self._workload)

    @property
    def can_stop(self) -> bool:
        """A pod that was deleted comes again, but its boot check keeps the process from starting."""
        return self._workload is None

    async def observe(self) -> Incarnation | None:
        """The main container of the own pod; one GET."""
        async with self._as_driver_trouble("inspect"):
            return parse_incarnation(await self._api.get(self._pod_path), self._now())

    async def restart(self, incarnation: Incarnation | None, servers: ServerList) -> None:
        """Delete the pod, or mark the workload. A container that is yet to start is up to the kubelet."""
        if incarnation is None:
            return
        if self._workload is None:
            await self._retry_while_busy(partial(self._delete, pod_uid_of(incarnation)))
        else:
            await self._retry_while_busy(partial(self._rollout, self._workload, servers))

    async def stop(self) -> None:
        """Delete the pod where the next one's boot check will hold the process back; it ends with us."""
        async with self._as_driver_trouble("stop"):
            pod = await self._api.get(self._pod_path)
            incarnation = parse_incarnation(pod, self._now())
            if incarnation is None:
                return
            if not has_startup_gate(pod):
                raise DriverError(
                    f"{self.label} would start again at once, without a boot check; make the sidecar an init "
                    "container with restartPolicy: Always and a startupProbe on /startupz"
                )
            await self._delete(pod_uid_of(incarnation))
        await self.wait_for_end(incarnation)

    async def wait_for_end(self, incarnation: Incarnation) -> None:
        """Watch the pod until its main container has another incarnation.

        If the service account may not watch, the pod is polled every few seconds.
        """
        pace = self._intervals
        pause = pace.first
        while True:
            try:
                pod = await self._api.get(self._pod_path)
                if self._has_ended(incarnation, pod):
                    return
                pause = pace.first
                if await self._watch(incarnation, resource_version(pod)):
                    return
            except NoAnswer:
                pause = min(pause * pace.factor, pace.max)
            except ApiError as refusal:
                if refusal.status == HTTPStatus.NOT_FOUND:
                    return
                pause = min(pause * pace.factor, pace.max)
            await anyio.sleep(pause if self._may_watch else max(pause, pace.without_watch))

    @property
    def _pods_path(self) -> str:
        return f"/api/v1/namespaces/{self._access.namespace}/pods"

    @property
    def _pod_path(self) -> str:
        return f"{self._pods_path}/{self._access.pod}"

    def _has_ended(self, incarnation: Incarnation, pod: Json) -> bool:
        found = parse_incarnation(pod, self._now())
        return found is None or found.id != incarnation.id

    async def _watch(self, incarnation: Incarnation, since: str) -> bool:
        """Whether ``incarnation`` was seen to be over; else the stream ended, as streams do."""
        if not self._may_watch:
            return False
        try:
            async with aclosing(self._api.watch(self._pods_path, self._access.pod, since)) as states:
                async for pod in states:
                    if self._has_ended(incarnation, pod):
                        return True
        except ApiError as refusal:
            if refusal.status != HTTPStatus.FORBIDDEN:
                raise
            self._may_watch = False
            event(
                log,
                logging.WARNING,
                "not allowed to watch the pod; polling instead",
                reason=str(refusal),
                every=self._intervals.without_watch,
            )
        return False

    async def _delete(self, uid: str) -> None:
        """Delete the pod with ``uid``, and no other that has come by its name; its grace period stays."""
        try:
            await self._api.delete(self._pod_path, {"preconditions": {"uid": uid}})
        except ApiError as refusal:
            # Gone, or replaced: what was asked for has happened.
            if refusal.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise

    async def _rollout(self, workload: Workload, servers: ServerList) -> None:
        path = workload.path(self._access.namespace)
        for attempt in range(1, _MAX_CONFLICTS + 1):
            pod, found = await self._api.get(self._pod_path), await self._api.get(path)
            if is_restart_pending(found, pod, servers):
                return
            if why := why_not_restartable(found):
                raise DriverError(f"{self.label} cannot be restarted: {why}")
            at = datetime.fromtimestamp(self._now(), UTC).isoformat()
            try:
                await self._api.patch(path, restart_patch(found, servers, at), manager=_FIELD_MANAGER)
            except ApiError as refusal:
                if refusal.status != HTTPStatus.CONFLICT or attempt == _MAX_CONFLICTS:
                    raise
            else:
                return

    async def _retry_while_busy(self, ask: Callable[[], Awaitable[None]]) -> None:
        """``ask``, and again when the API server says that it is busy, after the time that it names."""
        async with self._as_driver_trouble("restart"):
            for _ in range(_MAX_BUSY_RETRIES):
                try:
                    return await ask()
                except ApiError as refusal:
                    if (
                        refusal.retry_after is None
                        or not refusal.is_busy
                        or refusal.retry_after > _MAX_RETRY_AFTER
                    ):
                        raise
                    await anyio.sleep(refusal.retry_after)
            return await ask()

    @asynccontextmanager
    async def _as_driver_trouble(self, doing: str) -> AsyncIterator[None]:
        """Turn a failure into a `DriverError` that names the thing."""
        try:
            yield
        except ApiError as refusal:
            hint = _NOT_FOUND_HINT if refusal.status == HTTPStatus.NOT_FOUND else ""
            raise DriverError(f"cannot {doing} {self.label}: {refusal}{hint}") from refusal
        except NoAnswer as failure:
            raise DriverError(f"cannot {doing} {self.label}: {failure}") from failure
