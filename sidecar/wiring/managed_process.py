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

from sidecar.adapters.processes.jvm import DUMPS, keep_thread_dump
from sidecar.adapters.processes.launch import Command
from sidecar.adapters.processes.pidfd import require_pidfd
from sidecar.adapters.restart.child import Child
from sidecar.adapters.restart.drivers.command import CommandDriver
from sidecar.adapters.restart.drivers.driver import Driver
from sidecar.adapters.restart.drivers.endpoint import EndpointDriver
from sidecar.adapters.restart.drivers.reexec import SelfDriver
from sidecar.adapters.restart.drivers.signal import Pattern, PidFile, SignalDriver
from sidecar.adapters.restart.drivers.systemd import SystemdDriver
from sidecar.adapters.restart.external import Attended
from sidecar.adapters.restart.none import Unattended
from sidecar.adapters.restart.saved_state import seen_memory
from sidecar.config import Settings
from sidecar.config.restarts import (
    ChildRestart,
    CommandRestart,
    DockerRestart,
    EndpointRestart,
    KubernetesRestart,
    NoRestart,
    SelfRestart,
    SignalRestart,
    SystemdRestart,
)
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.servers import ServerList

ENGINE = "unix:///var/run/docker.sock"
"""Where a Docker engine listens that nobody moved."""

Neighbour = Child | Attended | Unattended
"""The process next to the sidecar, in one of three ways."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a process needs of the sidecar itself.

    ``life`` is new in each execution of its program, ``execute_anew`` asks for the next one. ``held`` tells
    which list the file held at a moment.
    """

    life: str
    execute_anew: Callable[[], Awaitable[None]]
    held: Callable[[float], ServerList | None]


async def find_process(settings: Settings, sidecar: Sidecar) -> Neighbour:
    """The process, taken over as it runs."""
    how = settings.restart
    if isinstance(how, NoRestart):
        return Unattended()
    if isinstance(how, ChildRestart):
        return _child(settings, how)
    process = Attended(
        _driver(settings, how, sidecar),
        memory=seen_memory(settings.state_dir),
        held=sidecar.held,
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


def _child(settings: Settings, how: ChildRestart) -> Child:
    require_command(how)
    child = Child(
        Command(how.command, env=_without_secrets(os.environ)),
        folder=settings.state_dir,
        jitter=random.random,
        stop_timeout=settings.stop_timeout,
        last_words=partial(keep_thread_dump, folder=settings.state_dir / DUMPS),
    )
    child.adopt()
    return child


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What the process inherits; etcd's password is the sidecar's own."""
    return {name: value for name, value in environ.items() if name != "SIDECAR_AUTH_PASSWORD"}


Attending = (
    SignalRestart
    | EndpointRestart
    | DockerRestart
    | KubernetesRestart
    | SystemdRestart
    | CommandRestart
    | SelfRestart
)


def _driver(settings: Settings, how: Attending, sidecar: Sidecar) -> Driver:  # noqa: PLR0911 - a case each
    match how:
        case SignalRestart():
            return _signals(settings, how)
        case EndpointRestart(url=url, status=status, token_file=token_file):
            return EndpointDriver(url, status, token_file)
        case CommandRestart(command=command):
            return CommandDriver(command, settings.file)
        case SelfRestart():
            return SelfDriver(sidecar.life, sidecar.execute_anew)
        case DockerRestart():
            return _docker(settings, how)
        case KubernetesRestart():
            return _signals(settings, how.container) if how.container else _kubernetes(how)
        case SystemdRestart(unit=unit, scope=scope):
            return SystemdDriver(unit, scope=scope, stop_timeout=settings.stop_timeout)
        case _:
            assert_never(how)


def _docker(settings: Settings, how: DockerRestart) -> Driver:
    if importlib.util.find_spec("aiodocker") is None:
        raise BadConfiguration(
            "--restart docker needs the package aiodocker: `pip install 'federation-sidecar[docker]'`"
        )
    from sidecar.adapters.restart.drivers.docker import DockerDriver  # noqa: PLC0415 - few need it

    return DockerDriver(
        how.container, how.host or os.environ.get("DOCKER_HOST") or ENGINE, settings.stop_timeout
    )


def _kubernetes(how: KubernetesRestart) -> Driver:
    from sidecar.adapters.restart.drivers.kubernetes.access import KubernetesAccess  # noqa: PLC0415 - few need it
    from sidecar.adapters.restart.drivers.kubernetes.driver import KubernetesDriver  # noqa: PLC0415 - few need it
    from sidecar.adapters.restart.drivers.kubernetes.workload import Workload  # noqa: PLC0415 - few need it

    access = KubernetesAccess.in_cluster(
        os.environ, host_name=socket.gethostname(), namespace=how.namespace, pod=how.pod
    )
    return KubernetesDriver(access, workload=Workload(*how.workload) if how.workload else None)


def _signals(settings: Settings, how: SignalRestart) -> SignalDriver:
    require_pidfd()
    finder = PidFile(how.pid_file) if how.pid_file else Pattern(how.pattern or "")
    last_words = partial(keep_thread_dump, folder=settings.state_dir / DUMPS)
    return SignalDriver(finder, how.signum, settings.stop_timeout, last_words)
