"""From the settings of restarting to one `Restart`: which driver, and what that one needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sidecar.config.reading import Reading
from sidecar.config.restart_modes import (
    ChildRestart,
    CommandRestart,
    DockerRestart,
    EndpointRestart,
    KubernetesMode,
    KubernetesRestart,
    NoRestart,
    ReexecRestart,
    Restart,
    RestartDriver,
    SignalRestart,
    SystemdRestart,
)
from sidecar.config.table import ALL_SETTINGS
from sidecar.domain.node.process import RELOAD_SIGNALS

DEFAULT_TOKEN_FILE = "hot-reload.token"  # noqa: S105 - a file's name
"""In the state folder, where the application's own library looks for it as well."""

MIN_KILL_TIMEOUT = 5.0
"""Seconds that a restart has at least from SIGTERM's time limit on: for a thread dump, and SIGKILL."""


def load_restart(reading: Reading, state_dir: Path) -> Restart:
    """Return how to restart; what is missing or too much for it joins ``reading.problems``."""
    command = reading.values["command"] or ()
    driver = reading.values["restart"] or (RestartDriver.CHILD if command else RestartDriver.NONE)
    if command and driver is not RestartDriver.CHILD:
        reading.problems.append(
            f"{reading.source('restart')}: {driver.value} is for a process that something else launches, but "
            f"{reading.source('command')} gives one to launch; leave one of them out"
        )
    return _BUILDERS[driver](reading, state_dir)


def _check_timeouts(reading: Reading) -> None:
    """A restart must not be cut off before SIGKILL, or what ignores SIGTERM would never be restarted."""
    restart_timeout, stop_timeout = reading.values["restart_timeout"], reading.values["stop_timeout"]
    if restart_timeout is None or stop_timeout is None or restart_timeout >= stop_timeout + MIN_KILL_TIMEOUT:
        return
    reading.problems.append(
        f"{reading.source('restart_timeout')}: {restart_timeout:g} s are too short "
        f"for a stop_timeout of {stop_timeout:g} s "
        f"({reading.source('stop_timeout')}): a restart would be cut off before SIGKILL; "
        f"set it to {stop_timeout + MIN_KILL_TIMEOUT:g} or more"
    )


def _child(reading: Reading, _: Path) -> ChildRestart:
    _require(reading, "command", "write it behind --")
    return ChildRestart(reading.values["command"] or ())


def _signal(reading: Reading, _: Path) -> SignalRestart:
    """Exactly one of pid file and pattern finds the process."""
    values = reading.values
    given = [key for key in ("signal.pid_file", "signal.pattern") if key in reading.found]
    if not given:
        _require(reading, "signal.pattern", "set --signal-pattern REGEX or --signal-pid-file FILE")
    elif len(given) > 1:
        one, other = (reading.source(key) for key in given)
        reading.problems.append(f"{one} and {other}: each finds the process; set one of them")
    if values["signal.signal"] not in RELOAD_SIGNALS:
        _check_timeouts(reading)
    return SignalRestart(values["signal.pid_file"], values["signal.pattern"], values["signal.signal"])


def _endpoint(reading: Reading, state_dir: Path) -> EndpointRestart:
    _require(reading, "endpoint.url")
    values, url = reading.values, reading.values["endpoint.url"] or ""
    token_file = values["endpoint.token_file"] or state_dir / DEFAULT_TOKEN_FILE
    return EndpointRestart(url, values["endpoint.status"] or url, token_file)


def _docker(reading: Reading, _: Path) -> DockerRestart:
    _require(reading, "docker.container")
    _check_timeouts(reading)
    return DockerRestart(reading.values["docker.container"] or "", reading.values["docker.host"])


def _kubernetes(reading: Reading, state_dir: Path) -> KubernetesRestart:
    values = reading.values
    mode: KubernetesMode = values["kubernetes.mode"]
    container = _signal(reading, state_dir) if mode is KubernetesMode.CONTAINER else None
    if mode is KubernetesMode.WORKLOAD:
        _require(reading, "kubernetes.workload")
    names = (values["kubernetes.workload"], values["kubernetes.namespace"], values["kubernetes.pod"])
    return KubernetesRestart(mode, container, *names)


def _systemd(reading: Reading, _: Path) -> SystemdRestart:
    _require(reading, "systemd.unit")
    _check_timeouts(reading)
    return SystemdRestart(reading.values["systemd.unit"] or "", reading.values["systemd.scope"])


def _command(reading: Reading, _: Path) -> CommandRestart:
    _require(reading, "restart_command")
    return CommandRestart(reading.values["restart_command"] or ())


_BUILDERS: dict[RestartDriver, Callable[[Reading, Path], Restart]] = {
    RestartDriver.CHILD: _child,
    RestartDriver.SIGNAL: _signal,
    RestartDriver.ENDPOINT: _endpoint,
    RestartDriver.DOCKER: _docker,
    RestartDriver.KUBERNETES: _kubernetes,
    RestartDriver.SYSTEMD: _systemd,
    RestartDriver.COMMAND: _command,
    RestartDriver.ITSELF: lambda *_: ReexecRestart(),
    RestartDriver.NONE: lambda *_: NoRestart(),
}


def _require(reading: Reading, key: str, advice: str = "") -> None:
    """Complain where ``key`` was not given: the driver cannot do without."""
    if key in reading.found:
        return
    setting = next(setting for setting in ALL_SETTINGS if setting.key == key)
    hint = advice or f"set {setting.flag} {setting.metavar} ({setting.variable})"
    reading.problems.append(f"{reading.source('restart')}: this driver needs {key}; {hint}")
