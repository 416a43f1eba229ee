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

from sidecar.adapters.restart.drivers.driver import Life
from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.adapters.restart.drivers.kubernetes.api import Json, KubernetesApi
from sidecar.adapters.restart.drivers.kubernetes.errors import NoAnswer, Refusal
from sidecar.adapters.restart.drivers.kubernetes.pod import has_gate, life_of, owner_of, version
from sidecar.adapters.restart.drivers.kubernetes.workload import Workload, obstacle, on_its_way, restart_patch
from sidecar.domain.errors import DriverTrouble
from sidecar.domain.servers import ServerList
from sidecar.logs import event

log = logging.getLogger(__name__)

_MANAGER = "federation-sidecar"

# Conflicts in a row that are nothing unusual: a workload's status changes all the time while it rolls out.
_CONFLICTS = 5

# How often a restart waits for an API server that is busy, and for how many seconds at most.
_RETRIES, _LONGEST_WAIT = 3, 10.0

_WHERE = "; see whether --kubernetes-namespace, --kubernetes-pod and --kubernetes-workload name what there is"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks at the pod.

    After a watch that ended, growing with each failure in a row; and where it cannot be watched.
    """

    first: float = 1.0
    factor: float = 2.0
    slowest: float = 30.0
    unwatched: float = 5.0


class KubernetesDriver:
    """Implements `Driver` for the pod that the sidecar runs in.

    Without a ``workload`` it deletes its own pod, and the controller makes the next. The sidecar ends with
    it, and the next pod's boot check comes before the process. With one it marks that workload's pod
    template, as ``kubectl rollout restart`` does, and its controller replaces the pods one by one; a digest
    of the list beside the mark has all nodes of one workload ask for that once, not once each.
    """

    replaces = True

    def __init__(
        self,
        access: KubernetesAccess,
        *,
        workload: Workload | None = None,
        now: Callable[[], float] = time.time,
        timeout: float = 4.0,
        pace: Pace = Pace(),
    ) -> None:
        self._api = KubernetesApi(access, timeout=timeout)
        self._pace = pace
        self._access = access
        self._workload = workload
        self._now = now
        self._may_watch = True

    @property
    def what(self) -> str:
        return f"pod {self._access.pod}" if self._workload is None else str(self._workload)

    @property
    def keeps_stopped(self) -> bool:
        """A pod that was deleted comes again, but its boot check keeps the process from starting."""
        return self._workload is None

    async def look(self) -> Life | None:
        """The main container of the own pod; one GET."""
        async with self._translated("look at"):
            return life_of(await self._api.get(self._pod_path), self._now())

    async def restart(self, life: Life | None, servers: ServerList) -> None:
        """Delete the pod, or mark the workload. A container that is yet to start is up to the kubelet."""
        if life is None:
            return
        if self._workload is None:
            await self._patiently(partial(self._delete, owner_of(life)))
        else:
            await self._patiently(partial(self._roll, self._workload, servers))

    async def stop(self) -> None:
        """Delete the pod where the next one's boot check will hold the process back; it ends with us."""
        async with self._translated("stop"):
            pod = await self._api.get(self._pod_path)
            life = life_of(pod, self._now())
            if life is None:
                return
            if not has_gate(pod):
                raise DriverTrouble(
                    f"{self.what} would start again at once, without a boot check; make the sidecar an init "
                    "container with restartPolicy: Always and a startupProbe on /startupz"
                )
            await self._delete(owner_of(life))
        await self.ended(life)

    async def ended(self, life: Life) -> None:
        """Watch the pod until its main container has another life; nothing is asked for meanwhile.

        Where the service account may not watch, the pod is looked at every few seconds.
        """
        pace = self._pace
        pause = pace.first
        while True:
            try:
                pod = await self._api.get(self._pod_path)
                if self._is_over(life, pod):
                    return
                pause = pace.first
                if await self._watch(life, version(pod)):
                    return
            except NoAnswer:
                pause = min(pause * pace.factor, pace.slowest)
            except Refusal as refusal:
                if refusal.status == HTTPStatus.NOT_FOUND:
                    return
                pause = min(pause * pace.factor, pace.slowest)
            await anyio.sleep(pause if self._may_watch else max(pause, pace.unwatched))

    @property
    def _pods_path(self) -> str:
        return f"/api/v1/namespaces/{self._access.namespace}/pods"

    @property
    def _pod_path(self) -> str:
        return f"{self._pods_path}/{self._access.pod}"

    def _is_over(self, life: Life, pod: Json) -> bool:
        found = life_of(pod, self._now())
        return found is None or found.name != life.name

    async def _watch(self, life: Life, since: str) -> bool:
        """Whether ``life`` was seen to be over; else the stream ended, as streams do."""
        if not self._may_watch:
            return False
        try:
            async with aclosing(self._api.watch(self._pods_path, self._access.pod, since)) as states:
                async for pod in states:
                    if self._is_over(life, pod):
                        return True
        except Refusal as refusal:
            if refusal.status != HTTPStatus.FORBIDDEN:
                raise
            self._may_watch = False
            event(
                log,
                logging.WARNING,
                "the pod is looked at every few seconds",
                why=str(refusal),
                every=self._pace.unwatched,
            )
        return False

    async def _delete(self, uid: str) -> None:
        """Delete the pod with ``uid``, and no other that has come by its name; its grace period stays."""
        try:
            await self._api.delete(self._pod_path, {"preconditions": {"uid": uid}})
        except Refusal as refusal:
            # Gone, or replaced: what was asked for has happened.
            if refusal.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise

    async def _roll(self, workload: Workload, servers: ServerList) -> None:
        path = workload.path(self._access.namespace)
        for attempt in range(1, _CONFLICTS + 1):
            pod, found = await self._api.get(self._pod_path), await self._api.get(path)
            if on_its_way(found, pod, servers):
                return
            if why := obstacle(found):
                raise DriverTrouble(f"{self.what} cannot be restarted: {why}")
            at = datetime.fromtimestamp(self._now(), UTC).isoformat()
            try:
                await self._api.patch(path, restart_patch(found, servers, at), manager=_MANAGER)
            except Refusal as refusal:
                if refusal.status != HTTPStatus.CONFLICT or attempt == _CONFLICTS:
                    raise
            else:
                return

    async def _patiently(self, ask: Callable[[], Awaitable[None]]) -> None:
        """``ask``, and again when the API server says that it is busy, after the time that it names."""
        async with self._translated("restart"):
            for _ in range(_RETRIES):
                try:
                    return await ask()
                except Refusal as refusal:
                    if refusal.wait is None or not refusal.later or refusal.wait > _LONGEST_WAIT:
                        raise
                    await anyio.sleep(refusal.wait)
            return await ask()

    @asynccontextmanager
    async def _translated(self, doing: str) -> AsyncIterator[None]:
        """A failure in words that name the thing."""
        try:
            yield
        except Refusal as refusal:
            hint = _WHERE if refusal.status == HTTPStatus.NOT_FOUND else ""
            raise DriverTrouble(f"cannot {doing} {self.what}: {refusal}{hint}") from refusal
        except NoAnswer as failure:
            raise DriverTrouble(f"cannot {doing} {self.what}: {failure}") from failure
