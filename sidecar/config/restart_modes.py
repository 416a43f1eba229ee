"""The ways of restarting the process, each with its settings."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sidecar.config.filling import from_key


class RestartDriver(StrEnum):
    """What launches the process, and so restarts it."""

    CHILD = "child"
    SIGNAL = "signal"
    ENDPOINT = "endpoint"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    SYSTEMD = "systemd"
    COMMAND = "command"
    ITSELF = "itself"
    NONE = "none"


class KubernetesMode(StrEnum):
    """What of the pod is restarted: one container, the pod, or the workload that it belongs to."""

    CONTAINER = "container"
    POD = "pod"
    WORKLOAD = "workload"


class SystemdScope(StrEnum):
    """Which manager the unit belongs to."""

    SYSTEM = "system"
    USER = "user"


@dataclass(frozen=True, slots=True)
class ChildRestart:
    """The sidecar launches ``command`` itself."""

    command: tuple[str, ...] = field(metadata=from_key("command"))


@dataclass(frozen=True, slots=True)
class SignalRestart:
    """Signal the process that one of ``pid_file`` and ``pattern`` finds."""

    pid_file: Path | None = field(metadata=from_key("signal.pid_file"))
    pattern: str | None = field(metadata=from_key("signal.pattern"))
    signum: signal.Signals = field(metadata=from_key("signal.signal"))


@dataclass(frozen=True, slots=True)
class EndpointRestart:
    """POST to ``url``, then GET ``status``; the token is the first line of ``token_file``."""

    url: str = field(metadata=from_key("endpoint.url"))
    status: str
    token_file: Path


@dataclass(frozen=True, slots=True)
class DockerRestart:
    """``host`` None is the engine's usual socket."""

    container: str = field(metadata=from_key("docker.container"))
    host: str | None = field(metadata=from_key("docker.host"))


@dataclass(frozen=True, slots=True)
class KubernetesRestart:
    """Restart by ``mode``. ``container`` finds the process in the mode ``container``, None in the others.

    ``workload``, ``namespace`` and ``pod`` are None if they are read from the pod itself.
    """

    mode: KubernetesMode = field(metadata=from_key("kubernetes.mode"))
    container: SignalRestart | None
    workload: tuple[str, str] | None = field(metadata=from_key("kubernetes.workload"))
    namespace: str | None = field(metadata=from_key("kubernetes.namespace"))
    pod: str | None = field(metadata=from_key("kubernetes.pod"))


@dataclass(frozen=True, slots=True)
class SystemdRestart:
    unit: str = field(metadata=from_key("systemd.unit"))
    scope: SystemdScope = field(metadata=from_key("systemd.scope"))


@dataclass(frozen=True, slots=True)
class CommandRestart:
    command: tuple[str, ...] = field(metadata=from_key("restart_command"))


@dataclass(frozen=True, slots=True)
class ReexecRestart:
    """The sidecar re-executes itself."""


@dataclass(frozen=True, slots=True)
class NoRestart:
    """There is no process to manage."""


Restart = (
    ChildRestart
    | SignalRestart
    | EndpointRestart
    | DockerRestart
    | KubernetesRestart
    | SystemdRestart
    | CommandRestart
    | ReexecRestart
    | NoRestart
)
