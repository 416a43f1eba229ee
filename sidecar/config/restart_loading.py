"""Builds one `Restart` of the settings: the driver, and the settings that it needs."""

from __future__ import annotations

from pathlib import Path

from sidecar.config.filling import fill
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
"""Seconds that a restart has at least after the stop timeout: for a thread dump, and SIGKILL."""


def load_restart(reading: Reading, state_dir: Path) -> Restart:
    """Return how to restart the process; what is missing or contradicts goes to ``reading.problems``."""
    command = reading.values["command"] or ()
    default = RestartDriver.CHILD if command else RestartDriver.NONE
    driver: RestartDriver = reading.values["restart"] or default
    if command and driver is not RestartDriver.CHILD:
        reading.problems.append(
            f"{reading.source('restart')}: {driver.value} is for a process that something else launches, but "
            f"{reading.source('command')} gives one to launch; leave one of them out"
        )
    return _build(driver, reading, state_dir)


def _build(driver: RestartDriver, reading: Reading, state_dir: Path) -> Restart:  # noqa: PLR0911 - a case each
    match driver:
        case RestartDriver.CHILD:
            return _child(reading)
        case RestartDriver.SIGNAL:
            return _signal(reading)
        case RestartDriver.ENDPOINT:
            return _endpoint(reading, state_dir)
        case RestartDriver.DOCKER:
            return _docker(reading)
        case RestartDriver.KUBERNETES:
            return _kubernetes(reading)
        case RestartDriver.SYSTEMD:
            return _systemd(reading)
        case RestartDriver.COMMAND:
            return _command(reading)
        case RestartDriver.ITSELF:
            return ReexecRestart()
        case RestartDriver.NONE:
            return NoRestart()


def _check_timeouts(reading: Reading) -> None:
    """Add a problem if a restart would be aborted before SIGKILL: some processes ignore SIGTERM."""
    restart_timeout, stop_timeout = reading.values["restart_timeout"], reading.values["stop_timeout"]
    if restart_timeout is None or stop_timeout is None or restart_timeout >= stop_timeout + MIN_KILL_TIMEOUT:
        return
    reading.problems.append(
        f"{reading.source('restart_timeout')}: {restart_timeout:g} s are too short "
        f"for a stop_timeout of {stop_timeout:g} s "
        f"({reading.source('stop_timeout')}): a restart would be aborted before SIGKILL; "
        f"set it to {stop_timeout + MIN_KILL_TIMEOUT:g} or more"
    )


def _child(reading: Reading) -> ChildRestart:
    _require(reading, "command", "write it behind --")
    return fill(ChildRestart, reading.values)


def _signal(reading: Reading) -> SignalRestart:
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
    return fill(SignalRestart, values)


def _endpoint(reading: Reading, state_dir: Path) -> EndpointRestart:
    _require(reading, "endpoint.url")
    values = reading.values
    return fill(
        EndpointRestart,
        values,
        status=values["endpoint.status"] or values["endpoint.url"],
        token_file=values["endpoint.token_file"] or state_dir / DEFAULT_TOKEN_FILE,
    )


def _docker(reading: Reading) -> DockerRestart:
    _require(reading, "docker.container")
    _check_timeouts(reading)
    return fill(DockerRestart, reading.values)


def _kubernetes(reading: Reading) -> KubernetesRestart:
    values = reading.values
    mode: KubernetesMode = values["kubernetes.mode"]
    container = _signal(reading) if mode is KubernetesMode.CONTAINER else None
    if mode is KubernetesMode.WORKLOAD:
        _require(reading, "kubernetes.workload")
    return fill(KubernetesRestart, values, container=container)


def _systemd(reading: Reading) -> SystemdRestart:
    _require(reading, "systemd.unit")
    _check_timeouts(reading)
    return fill(SystemdRestart, reading.values)


def _command(reading: Reading) -> CommandRestart:
    _require(reading, "restart_command")
    return fill(CommandRestart, reading.values)


def _require(reading: Reading, key: str, advice: str = "") -> None:
    """Add a problem if ``key``, which the driver needs, was not given."""
    if key in reading.found:
        return
    setting = next(setting for setting in ALL_SETTINGS if setting.key == key)
    hint = advice or f"set {setting.flag} {setting.metavar} ({setting.variable})"
    reading.problems.append(f"{reading.source('restart')}: this driver needs {key}; {hint}")
