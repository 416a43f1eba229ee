"""The one table of settings: flags, variables, keys of sidecar.toml and ``--help`` come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sidecar.config import values
from sidecar.config.restart_modes import KubernetesMode, RestartDriver, SystemdScope
from sidecar.domain.identity import Role


class Bootstrap(StrEnum):
    """Whether this server may publish its own list where the network has none."""

    AUTO = "auto"
    NEVER = "never"


class OnRemoved(StrEnum):
    """What becomes of the process of a server that was removed from the network."""

    STOP = "stop"
    LEAVE = "leave"


class LogFormat(StrEnum):
    """For a person, or for a log collector."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """Nothing below this level is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. ``key`` is its place in sidecar.toml: ``tls.ca`` is ``ca`` of table ``[tls]``.

    ``default`` is a text, parsed like any other; None where it follows from other settings.
    """

    key: str
    parse: Callable[[object], object]
    metavar: str
    help: str
    default: str | None = None
    flag_override: str | None = None

    @property
    def flag(self) -> str:
        """Its option, or ``""``: a secret has none, as ``ps`` shows everybody's command lines."""
        if self.flag_override is not None:
            return self.flag_override
        return "--" + self.key.replace(".", "-").replace("_", "-")

    @property
    def variable(self) -> str:
        return "SIDECAR_" + self.key.replace(".", "_").upper()


# Where a sidecar can be asked, which `sidecar health` does.
ADMIN_SETTINGS = (Setting("admin", values.address_or_off, "ADDRESS", "HOST:PORT or off", "127.0.0.1:9180"),)

# What `sidecar run` alone takes.
RUN_SETTINGS = (
    Setting("file", values.path, "PATH", "federated.json or config.json; else found here"),
    Setting("role", values.choice(Role), "ROLE", "federated or database; else by the file's name"),
    Setting("node_id", values.node_id, "ID", "this node's name; else the file's NodeID"),
    Setting("url", values.server_url, "URL", "this server's own; else found in its list"),
    Setting("state_dir", values.path, "DIR", "where it remembers; else .sidecar beside FILE"),
    # etcd grants whole seconds, and a leader steps down before the end: one second is too little.
    Setting("lease_ttl", values.seconds(2, 3600), "SECONDS", "until a dead sidecar is missed", "10"),
    Setting("health", values.health, "PROBE", "URL, tcp://HOST:PORT, exec:CMD; else its own"),
    Setting("join_token_file", values.path, "FILE", "holds the token to join with, if one is needed"),
    Setting("bootstrap", values.choice(Bootstrap), "auto|never", "publish the first list", "auto"),
    Setting("on_removed", values.choice(OnRemoved), "stop|leave", "what to do to COMMAND", "stop"),
    *ADMIN_SETTINGS,
    Setting("seed", values.path, "FILE", "what the file begins as where there is none"),
)

# What looks after the process next to it; of `sidecar run` too.
PROCESS_SETTINGS = (
    Setting("command", values.command, "COMMAND", "the process to look after", flag_override=""),
    Setting("restart", values.choice(RestartDriver), "DRIVER", "see below; child with a COMMAND, else none"),
    Setting("restart_timeout", values.seconds(1), "SECONDS", "until a restart is cut off", "60"),
    Setting("start_timeout", values.seconds(1), "SECONDS", "to be healthy in, or started anew", "60"),
    Setting("stop_timeout", values.seconds(0), "SECONDS", "from SIGTERM to SIGKILL", "10"),
    Setting("health_interval", values.seconds(0.1), "SECONDS", "between probes of a healthy process", "5"),
    Setting("health_timeout", values.seconds(0.1), "SECONDS", "that one probe may take", "2"),
    Setting("health_threshold", values.count(100), "N", "failures in a row until unhealthy", "2"),
)

# What each driver has to be told, for a process that the sidecar does not launch.
DRIVER_SETTINGS = (
    Setting("restart_command", values.command, "COMMAND", "command: what restarts the process"),
    Setting("signal.pattern", values.pattern, "REGEX", "signal: found in its command line"),
    Setting("signal.pid_file", values.path, "FILE", "signal: holds its number"),
    Setting(
        "signal.signal", values.signum, "NAME", "HUP, USR1, USR2: no end", "TERM", flag_override="--signal"
    ),
    Setting("endpoint.url", values.endpoint, "URL", "endpoint: where to POST"),
    Setting("endpoint.status", values.endpoint, "URL", "endpoint: where to GET; else the same"),
    Setting("endpoint.token_file", values.path, "FILE", "else hot-reload.token in --state-dir"),
    Setting("docker.container", values.word, "NAME", "docker: its name or id"),
    Setting("docker.host", values.docker_host, "URL", "docker: the engine; else DOCKER_HOST"),
    Setting(
        "kubernetes.mode", values.choice(KubernetesMode), "MODE", "container, pod, workload", "container"
    ),
    Setting("kubernetes.workload", values.workload, "KIND/NAME", "workload: such as statefulset/fed"),
    Setting("kubernetes.namespace", values.word, "NAME", "else the service account's"),
    Setting("kubernetes.pod", values.word, "NAME", "else the host's name"),
    Setting("systemd.unit", values.word, "UNIT", "systemd: such as federated.service"),
    Setting("systemd.scope", values.choice(SystemdScope), "SCOPE", "system or user", "system"),
)

RESTART_SETTINGS = PROCESS_SETTINGS + DRIVER_SETTINGS

# What every command that talks to etcd takes.
NETWORK_SETTINGS = (
    Setting("etcd", values.etcd_endpoints, "URL[,URL…]", "endpoints", "http://127.0.0.1:2379"),
    Setting("network", values.network, "NAME", "which network of this etcd", "default"),
    Setting("tls.ca", values.path, "FILE", "PEM: who signed etcd's certificate"),
    Setting("tls.cert", values.path, "FILE", "PEM: the certificate to show etcd"),
    Setting("tls.key", values.path, "FILE", "PEM: its private key"),
    Setting("auth.user", values.text, "NAME", "user of etcd", flag_override="--user"),
    Setting("auth.password", values.secret, "TEXT", "its password", flag_override=""),
    Setting("auth.password_file", values.path, "FILE", "its password", flag_override="--password-file"),
    Setting("log_format", values.choice(LogFormat), "FORMAT", "console or json", "console"),
    Setting("log_level", values.choice(LogLevel), "LEVEL", "debug, info, warning, error", "info"),
)

ALL_SETTINGS = NETWORK_SETTINGS + RUN_SETTINGS + RESTART_SETTINGS
