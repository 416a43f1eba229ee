"""From the way of restarting that the settings name to the driver that does it."""

from __future__ import annotations

import importlib.util
import os
import socket
from functools import partial
from typing import assert_never

from sidecar.adapters.processes.jvm import THREAD_DUMP_FOLDER, save_thread_dump
from sidecar.adapters.processes.pidfd import require_pidfd
from sidecar.adapters.restart.driver import Driver
from sidecar.adapters.restart.drivers.command import CommandDriver
from sidecar.adapters.restart.drivers.endpoint import EndpointDriver
from sidecar.adapters.restart.drivers.reexec import ReexecDriver
from sidecar.adapters.restart.drivers.signal import CommandLinePattern, PidFile, SignalDriver
from sidecar.adapters.restart.drivers.systemd import SystemdDriver
from sidecar.config import Settings
from sidecar.config.restart_modes import (
    CommandRestart,
    DockerRestart,
    EndpointRestart,
    KubernetesRestart,
    ReexecRestart,
    SignalRestart,
    SystemdRestart,
)
from sidecar.domain.errors import BadConfiguration

DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock"
"""Where a Docker engine listens by default."""

ExternalRestart = (
    SignalRestart
    | EndpointRestart
    | DockerRestart
    | KubernetesRestart
    | SystemdRestart
    | CommandRestart
    | ReexecRestart
)


def build_driver(settings: Settings, how: ExternalRestart, reexec_driver: ReexecDriver) -> Driver:  # noqa: PLR0911 - a case each
    """The driver for ``how``; ``reexec_driver`` for a process that is the sidecar's own."""
    match how:
        case SignalRestart():
            return _signal_driver(settings, how)
        case EndpointRestart(url=url, status=status, token_file=token_file):
            return EndpointDriver(url, status, token_file)
        case CommandRestart(command=command):
            return CommandDriver(command, settings.node.file)
        case ReexecRestart():
            return reexec_driver
        case DockerRestart():
            return _docker_driver(settings, how)
        case KubernetesRestart():
            return _signal_driver(settings, how.container) if how.container else _kubernetes_driver(how)
        case SystemdRestart(unit=unit, scope=scope):
            return SystemdDriver(unit, scope=scope, stop_timeout=settings.process.stop_timeout)
        case _:
            assert_never(how)


def _docker_driver(settings: Settings, how: DockerRestart) -> Driver:
    if importlib.util.find_spec("aiodocker") is None:
        raise BadConfiguration(
            "--restart docker needs the package aiodocker: `pip install 'federation-sidecar[docker]'`"
        )
    from sidecar.adapters.restart.drivers.docker import DockerDriver  # noqa: PLC0415 - few need it

    host = how.host or os.environ.get("DOCKER_HOST") or DEFAULT_DOCKER_HOST
    return DockerDriver(how.container, host, settings.process.stop_timeout)


def _kubernetes_driver(how: KubernetesRestart) -> Driver:
    from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess  # noqa: PLC0415 - few need it
    from sidecar.adapters.restart.drivers.kubernetes.driver import KubernetesDriver  # noqa: PLC0415 - few need it
    from sidecar.adapters.restart.drivers.kubernetes.workload import Workload  # noqa: PLC0415 - few need it

    access = KubernetesAccess.in_cluster(
        os.environ, host_name=socket.gethostname(), namespace=how.namespace, pod=how.pod
    )
    return KubernetesDriver(access, workload=Workload(*how.workload) if how.workload else None)


def _signal_driver(settings: Settings, how: SignalRestart) -> SignalDriver:
    require_pidfd()
    finder = PidFile(how.pid_file) if how.pid_file else CommandLinePattern(how.pattern or "")
    before_kill = partial(save_thread_dump, folder=settings.node.state_dir / THREAD_DUMP_FOLDER)
    return SignalDriver(finder, how.signum, settings.process.stop_timeout, before_kill)
