"""The kubelet of the machine that the pod runs on. A container is a real process here."""

from __future__ import annotations

import copy
import subprocess
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import anyio
from anyio.abc import Process

from tests.kubernetes_api.cluster import Cluster
from tests.kubernetes_api.objects import POD, Json, is_being_deleted

# Seconds. A real kubelet waits for ten after the second crash in a row, doubles that up to 300, and resets it
# after a container has run for ten minutes.
_FIRST_DELAY, _DELAY_FACTOR, _MAX_DELAY, _RESET_AFTER = 0.1, 2.0, 0.8, 5.0


class Kubelet:
    """Runs ``command`` as the container of the cluster's pod, and updates the pod's status.

    ``grace`` is in seconds, from SIGTERM to SIGKILL. The container has no probes: it is ready once it runs.
    The sidecar is not part of the pod: the tests run it, and its boot check counts as passed at once.
    """

    def __init__(self, cluster: Cluster, command: tuple[str, ...], *, grace: float) -> None:
        self._cluster = cluster
        self._command = command
        self._grace = grace
        self._disconnected = False
        self._pullable = True

    def set_disconnected(self, disconnected: bool) -> None:
        """While disconnected, its containers keep running, and nothing else happens on its machine."""
        self._disconnected = disconnected
        self._cluster.signal_change()

    def set_image_pullable(self, possible: bool) -> None:
        """Set whether the image exists, so that a container can be started."""
        self._pullable = possible
        self._cluster.signal_change()

    async def run(self) -> None:
        """Run one pod after the other."""
        while True:
            await self._wait_until(lambda: POD in self._cluster.objects)
            await self._run_pod()
            self._cluster.remove(POD)

    async def _run_pod(self) -> None:
        """Run one container after the other, until the pod is deleted and the last one has exited."""
        crashes = 0
        while True:
            await self._wait_until_startable()
            if self._is_deleted():
                return
            async with await self._start() as process:
                began = anyio.current_time()
                await _wait_for_first(process.wait, self._wait_until_deleted)
                # While disconnected, it notices neither.
                await self._wait_until(lambda: True)
                if process.returncode is None:
                    await self._end(process)
                ended = self._record_exit(process)
            crashes = crashes + 1 if anyio.current_time() - began < _RESET_AFTER else 1
            if crashes > 1:
                self._back_off(ended)
                with anyio.move_on_after(min(_FIRST_DELAY * _DELAY_FACTOR ** (crashes - 2), _MAX_DELAY)):
                    await self._wait_until_deleted()

    async def _wait_until_startable(self) -> None:
        """Return once the container can be started, or the pod is deleted."""
        if not self._pullable and not self._is_deleted():
            self._update_status(
                ready=False,
                state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}},
            )
        await self._wait_until(lambda: self._pullable or self._is_deleted())

    async def _start(self) -> Process:
        process = await anyio.open_process(
            self._command, stdin=subprocess.DEVNULL, stdout=None, stderr=None, start_new_session=True
        )
        self._update_status(
            containerID=f"containerd://{uuid.uuid4().hex}",
            ready=True,
            state={"running": {"startedAt": _now()}},
        )
        return process

    async def _end(self, process: Process) -> None:
        process.terminate()
        with anyio.move_on_after(self._grace):
            await process.wait()
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    def _record_exit(self, process: Process) -> Json:
        code = process.returncode
        assert code is not None
        ended = {
            "exitCode": code if code >= 0 else 128 - code,
            "reason": "Completed" if code == 0 else "Error",
            "finishedAt": _now(),
        }
        self._update_status(ready=False, state={"terminated": ended})
        return ended

    def _back_off(self, ended: Json) -> None:
        waiting = {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container=server"}
        self._update_status(state={"waiting": waiting}, lastState={"terminated": ended})

    def _update_status(self, **status: Any) -> None:
        """Change parts of the container's status."""
        found = copy.deepcopy(self._cluster.objects[POD])
        found["status"]["containerStatuses"][0] |= status
        self._cluster.put(POD, found)

    def _is_deleted(self) -> bool:
        return is_being_deleted(self._cluster.objects[POD])

    async def _wait_until_deleted(self) -> None:
        await self._wait_until(self._is_deleted)

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        await self._cluster.wait_for_change(lambda: not self._disconnected and condition())


async def _wait_for_first(*waits: Callable[[], Awaitable[object]]) -> None:
    """Return when the first of ``waits`` does."""
    async with anyio.create_task_group() as tasks:

        async def wait(one: Callable[[], Awaitable[object]]) -> None:
            await one()
            tasks.cancel_scope.cancel()

        for one in waits:
            tasks.start_soon(wait, one)


def _now() -> str:
    """The time in whole seconds, as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
