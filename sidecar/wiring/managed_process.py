"""From the way of restarting that the settings name to the `sidecar.ports.Process` that does it."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from sidecar.adapters.processes.jvm import THREAD_DUMP_FOLDER, save_thread_dump
from sidecar.adapters.processes.launch import Command
from sidecar.adapters.processes.pidfd import require_pidfd
from sidecar.adapters.restart.child import Child
from sidecar.adapters.restart.driver import Driver
from sidecar.adapters.restart.drivers.command import CommandDriver
from sidecar.adapters.restart.drivers.endpoint import EndpointDriver
from sidecar.adapters.restart.drivers.reexec import ReexecDriver
from sidecar.adapters.restart.drivers.signal import CommandLinePattern, PidFile, SignalDriver
from sidecar.adapters.restart.drivers.systemd import SystemdDriver
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.restart.no_process import NoManagedProcess
from sidecar.adapters.restart.saved_state import loaded_record_file
from sidecar.config import Settings
from sidecar.config.restart_modes import (
    ChildRestart,
    CommandRestart,
    DockerRestart,
    EndpointRestart,
    KubernetesRestart,
    NoRestart,
    ReexecRestart,
    SignalRestart,
    SystemdRestart,
)
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.servers import ServerList

DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock"
"""Where a Docker engine listens that nobody moved."""

ManagedProcess = Child | ExternalProcess | NoManagedProcess
"""The process next to the sidecar, in one of three ways."""


@dataclass(frozen=True, slots=True)
class ReexecHooks:
    """What a process needs of the sidecar itself.

    ``execution_id`` is new in each execution of its program, ``reexec`` asks for the next one.
    ``file_servers_at`` tells which list the file held at a moment.
    """

    execution_id: str
    reexec: Callable[[], Awaitable[None]]
    file_servers_at: Callable[[float], ServerList | None]


async def build_process(settings: Settings, hooks: ReexecHooks) -> ManagedProcess:
    """The process, taken over as it runs."""
    how = settings.restart
    if isinstance(how, NoRestart):
        return NoManagedProcess()
    if isinstance(how, ChildRestart):
        return _child_process(settings, how)
    process = ExternalProcess(
        _driver(settings, how, hooks),
        state_file=loaded_record_file(settings.state_dir),
        file_servers_at=hooks.file_servers_at,
        jitter=random.random,
        restart_timeout=settings.restart_timeout,
    )
    await process.adopt()
    return process


def require_command(how: ChildRestart) -> None:
    """Raise `BadConfiguration` where the command is none."""
    program = how.command[0]
    if shutil.which(program) is None:
        # Said before the network is changed for a server that cannot start.
        raise BadConfiguration(
            f"command: {program!r} is no program that can be executed (looked for in PATH, "
            "or from the folder where the sidecar was started); correct what stands behind --"
        )


def _child_process(settings: Settings, how: ChildRestart) -> Child:
    require_command(how)
    child = Child(
        Command(how.command, env=_without_secrets(os.environ)),
        folder=settings.state_dir,
        jitter=random.random,
        stop_timeout=settings.stop_timeout,
        before_kill=partial(save_thread_dump, folder=settings.state_dir / THREAD_DUMP_FOLDER),
    )
    child.adopt()
    return child


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What the process inherits; etcd's password is the sidecar's own."""
    return {name: value for name, value in environ.items() if name != "SIDECAR_AUTH_PASSWORD"}


ExternalRestart = (
    SignalRestart
    | EndpointRestart
    | DockerRestart
    | KubernetesRestart
    | SystemdRestart
    | CommandRestart
    | ReexecRestart
)


def _driver(settings: Settings, how: ExternalRestart, hooks: ReexecHooks) -> Driver:  # noqa: PLR0911 - a case each
    match how:
        case SignalRestart():
            return _signal_driver(settings, how)
        case EndpointRestart(url=url, status=status, token_file=token_file):
            return EndpointDriver(url, status, token_file)
        case CommandRestart(command=command):
            return CommandDriver(command, settings.file)
        case ReexecRestart():
            return ReexecDriver(hooks.execution_id, hooks.reexec)
        case DockerRestart():
            return _docker_driver(settings, how)
        case KubernetesRestart():
            return _signal_driver(settings, how.container) if how.container else _kubernetes_driver(how)
        case SystemdRestart(unit=unit, scope=scope):
            return SystemdDriver(unit, scope=scope, stop_timeout=settings.stop_timeout)
        case _:
            assert_never(how)


def _docker_driver(settings: Settings, how: DockerRestart) -> Driver:
    if importlib.util.find_spec("aiodocker") is None:
        raise BadConfiguration(
            "--restart docker needs the package aiodocker: `pip install 'federation-sidecar[docker]'`"
        )
    from sidecar.adapters.restart.drivers.docker import DockerDriver  # noqa: PLC0415 - few need it

    return DockerDriver(
        how.container, how.host or os.environ.get("DOCKER_HOST") or DEFAULT_DOCKER_HOST, settings.stop_timeout
    )


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
    last_words = partial(save_thread_dump, folder=settings.state_dir / THREAD_DUMP_FOLDER)
    return SignalDriver(finder, how.signum, settings.stop_timeout, last_words)
