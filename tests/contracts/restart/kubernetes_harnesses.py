"""The harnesses of the driver ``kubernetes``: the process is a container in a pod of a simulated cluster."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.from_thread import start_blocking_portal

from sidecar.adapters.processes.session import no_hook
from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess
from sidecar.adapters.restart.drivers.kubernetes.driver import KubernetesDriver
from sidecar.adapters.restart.drivers.kubernetes.workload import Workload
from sidecar.adapters.restart.drivers.signal import CommandLinePattern, SignalDriver
from tests.contracts.restart.harness import STOP_TIMEOUT, ExternalHarness
from tests.kit.certificates import Authority
from tests.kit.node import APP
from tests.kit.processes import PYTHON
from tests.kubernetes_api import NAMESPACE, POD_RULES, STATEFULSET, TOKEN, WORKLOAD_RULES, Cluster, Rule
from tests.kubernetes_api.controller import Controller
from tests.kubernetes_api.kubelet import Kubelet
from tests.kubernetes_api.objects import workload
from tests.kubernetes_api.server import serve_api


@dataclass(frozen=True, slots=True)
class Simulation:
    """A cluster that runs, and the port of its API server."""

    cluster: Cluster
    controller: Controller
    kubelet: Kubelet
    port: int


class KubernetesHarness(ExternalHarness):
    """The process is the main container of the sidecar's own pod.

    In production the sidecar is a container of that pod and stops with it. Here it keeps running, as it does
    next to a pod that ``--kubernetes-pod`` names, so one sidecar sees what two see in production.
    `test_kubernetes_pod` covers the sidecar that stops with its pod.

    The cluster has an event loop and a thread of its own, so it keeps running while a test blocks.
    """

    rules: tuple[Rule, ...] = POD_RULES

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        mounted = folder / "serviceaccount"
        self._authority = Authority(mounted, "ca")
        (mounted / "token").write_text(TOKEN)
        self._close = ExitStack()
        self._portal = self._close.enter_context(start_blocking_portal("asyncio"))
        self._simulation = self._close.enter_context(
            self._portal.wrap_async_context_manager(self._simulated())
        )
        url = f"https://127.0.0.1:{self._simulation.port}"
        self._access = KubernetesAccess(url, mounted / "token", self._authority.cert, NAMESPACE, "fed-0")
        self._is_away = False

    @asynccontextmanager
    async def _simulated(self) -> AsyncIterator[Simulation]:
        command = (*PYTHON, str(APP), str(self.folder), str(self.file))
        cluster = Cluster(rules=self.rules, replaces_deleted=False)
        cluster.put(STATEFULSET, workload(replicas=0))
        controller, kubelet = Controller(cluster), Kubelet(cluster, command, grace=STOP_TIMEOUT)
        async with (
            serve_api(cluster, self._authority.issue("api")) as port,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(controller.run)
            tasks.start_soon(kubelet.run)
            yield Simulation(cluster, controller, kubelet, port)
            tasks.cancel_scope.cancel()

    def launch(self) -> None:
        if not self._is_away:
            self._scale(1)

    def close(self) -> None:
        self._close.close()
        super().close()

    def _scale(self, replicas: int) -> None:
        self._portal.call(self._simulation.controller.scale, replicas)


class OneMachineHarness(KubernetesHarness):
    """The failures are those of the machine that the pod runs on."""

    def make_unavailable(self) -> None:
        """Remove the image: there is a pod, but no container in it."""
        self._portal.call(self._simulation.kubelet.set_image_pullable, False)
        self.kill()

    def make_available(self) -> None:
        self._portal.call(self._simulation.kubelet.set_image_pullable, True)

    def hang_restarts(self) -> None:
        """Disconnect the machine from the cluster: deleted pods stay, exited containers are not restarted."""
        self._portal.call(self._simulation.kubelet.set_disconnected, True)

    def resume_restarts(self) -> None:
        self._portal.call(self._simulation.kubelet.set_disconnected, False)


class ContainerHarness(OneMachineHarness):
    """Mode ``container``: the driver ``signal``, in the pod's PID namespace. The kubelet backs off.

    The driver does not ask the API server, so a report says only that there is no process.
    """

    down_reason = "has ended|did not come up|does not run"

    def driver(self) -> SignalDriver:
        pattern = CommandLinePattern(rf"^\S+ -I -S \S+/app\.py {self.folder} ")
        return SignalDriver(pattern, signal.SIGTERM, STOP_TIMEOUT, no_hook)


class PodHarness(OneMachineHarness):
    """Mode ``pod``: a restart deletes the pod."""

    down_reason = "ImagePullBackOff|CrashLoopBackOff"

    def driver(self) -> KubernetesDriver:
        return KubernetesDriver(self._access)


class UnresponsiveApiHarness(PodHarness):
    """Mode ``pod`` with an API server that can hang: it accepts connections and does not answer."""

    def hang_restarts(self) -> None:
        self._portal.call(self._simulation.cluster.hang, True)

    def resume_restarts(self) -> None:
        self._portal.call(self._simulation.cluster.hang, False)


class WorkloadHarness(KubernetesHarness):
    """Mode ``workload``: a restart annotates the pod template of the workload."""

    down_reason = "CrashLoopBackOff|not found"
    rules = WORKLOAD_RULES

    def driver(self) -> KubernetesDriver:
        return KubernetesDriver(self._access, workload=Workload("statefulsets", "fed"))

    def make_unavailable(self) -> None:
        """Scale the workload to zero: there is no pod."""
        self._is_away = True
        self._scale(0)

    def make_available(self) -> None:
        self._is_away = False
        self._scale(1)

    def hang_restarts(self) -> None:
        """Pause the controller: the workload is annotated, and its pod stays."""
        self._portal.call(self._simulation.controller.pause, True)

    def resume_restarts(self) -> None:
        self._portal.call(self._simulation.controller.pause, False)
