"""The process next to the sidecar, as the settings say: launched here, launched elsewhere, or none."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Mapping
from functools import partial

from sidecar.adapters.processes.jvm import THREAD_DUMP_FOLDER, save_thread_dump
from sidecar.adapters.processes.launch import Command
from sidecar.adapters.restart.child import Child
from sidecar.adapters.restart.drivers.reexec import ReexecDriver
from sidecar.adapters.restart.external import ExternalProcess
from sidecar.adapters.restart.no_process import NoManagedProcess
from sidecar.adapters.restart.saved_state import loaded_record_file
from sidecar.config import OnRemoved, Settings
from sidecar.config.restart_modes import ChildRestart, NoRestart
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.servers import ServerList

ManagedProcess = Child | ExternalProcess | NoManagedProcess
"""The process next to the sidecar, in one of three ways."""


async def build_process(
    settings: Settings, reexec_driver: ReexecDriver, file_servers_at: Callable[[float], ServerList | None]
) -> ManagedProcess:
    """The process, taken over as it runs.

    ``reexec_driver`` is the driver of a process that is the sidecar's own. ``file_servers_at`` returns the
    list that the file held at a moment.
    """
    how = settings.process.restart
    if isinstance(how, NoRestart):
        return NoManagedProcess()
    if isinstance(how, ChildRestart):
        return _child_process(settings, how)
    from sidecar.wiring.drivers import build_driver  # noqa: PLC0415 - a child needs none of the drivers

    process = ExternalProcess(
        build_driver(settings, how, reexec_driver),
        state_file=loaded_record_file(settings.node.state_dir),
        file_servers_at=file_servers_at,
        jitter=random.random,
        restart_timeout=settings.process.restart_timeout,
    )
    await process.adopt()
    return process


def require_command(how: ChildRestart) -> None:
    """Raise `BadConfiguration` if the command cannot be executed."""
    program = how.command[0]
    if shutil.which(program) is None:
        # Reported before the network is changed for a server that cannot start.
        raise BadConfiguration(
            f"command {program!r} not found (or not executable); correct the command after --"
        )


def _child_process(settings: Settings, how: ChildRestart) -> Child:
    require_command(how)
    child = Child(
        Command(how.command, env=_without_secrets(os.environ)),
        folder=settings.node.state_dir,
        jitter=random.random,
        stop_timeout=settings.process.stop_timeout,
        before_kill=partial(save_thread_dump, folder=settings.node.state_dir / THREAD_DUMP_FOLDER),
    )
    child.adopt()
    return child


def _without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What the process inherits; etcd's password is the sidecar's own."""
    return {name: value for name, value in environ.items() if name != "SIDECAR_AUTH_PASSWORD"}


def stops_when_removed(settings: Settings, process: ManagedProcess) -> bool:
    """False also for a process that whatever launched it would start again at once."""
    can_stop = process.driver.can_stop if isinstance(process, ExternalProcess) else True
    return settings.process.on_removed is OnRemoved.STOP and can_stop


def restarts_in_place(process: ManagedProcess) -> bool:
    """Whether one command restarts it; otherwise the sidecar stops it, then starts it."""
    return isinstance(process, ExternalProcess)
