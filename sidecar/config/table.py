"""The one table of settings: flags, variables, keys of sidecar.toml and ``--help`` come from it."""

from __future__ import annotations

from enum import StrEnum

from sidecar.config import values
from sidecar.config.restart_table import DRIVERS, RESTARTS
from sidecar.config.setting import Setting, SettingGroup
from sidecar.domain.identity import Role


class Bootstrap(StrEnum):
    """Whether this server may publish its own list where the network has none."""

    AUTO = "auto"
    NEVER = "never"


class OnRemoved(StrEnum):
    """What happens to the process of a server that is removed from the network."""

    STOP = "stop"
    LEAVE = "leave"


class LogFormat(StrEnum):
    """How log lines look: for people, or for a log collector."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """Nothing below this level is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


ETCD = SettingGroup(
    "etcd and the network",
    (
        Setting("etcd", values.etcd_endpoints, "URL[,URL…]", "etcd endpoints", "http://127.0.0.1:2379"),
        Setting("network", values.network, "NAME", "name of the federation network", "default"),
        Setting("tls.ca", values.path, "FILE", "CA certificates to verify etcd with (PEM)"),
        Setting("tls.cert", values.path, "FILE", "client certificate for etcd (PEM)"),
        Setting("tls.key", values.path, "FILE", "private key of the client certificate (PEM)"),
        Setting("auth.user", values.text, "NAME", "etcd user", flag_override="--user"),
        Setting("auth.password", values.secret, "TEXT", "password of the etcd user", flag_override=""),
        Setting(
            "auth.password_file",
            values.path,
            "FILE",
            "file with the password of the etcd user",
            flag_override="--password-file",
        ),
    ),
)
LOGGING = SettingGroup(
    "logging",
    (
        Setting("log_format", values.choice(LogFormat), "FORMAT", "console or json", "console"),
        Setting(
            "log_level",
            values.choice(LogLevel),
            "LEVEL",
            "debug, info, warning or error",
            "info",
        ),
    ),
)
NODE_FILE = SettingGroup(
    "this node's file",
    (
        Setting(
            "file",
            values.path,
            "PATH",
            "file to keep in sync",
            derived_default="federated.json or config.json in the current folder",
        ),
        Setting(
            "role",
            values.choice(Role),
            "ROLE",
            "federated or database",
            derived_default="by the name of the file",
        ),
        Setting("node_id", values.node_id, "ID", "name of this node", derived_default="NodeID in the file"),
        Setting(
            "url",
            values.server_url,
            "URL",
            "URL of this server",
            derived_default="the one in its list that matches its port",
        ),
        Setting("seed", values.path, "FILE", "initial content of the file if it does not exist yet"),
        Setting(
            "state_dir",
            values.path,
            "DIR",
            "state directory",
            derived_default=".sidecar next to the file",
        ),
    ),
)
MEMBERSHIP = SettingGroup(
    "membership",
    (
        # etcd grants whole seconds, and a leader steps down before the end: one second is too little.
        Setting(
            "lease_ttl",
            values.seconds(2, 3600),
            "SECONDS",
            "lease TTL: a sidecar silent for this long is considered dead",
            "10",
        ),
        Setting(
            "bootstrap",
            values.choice(Bootstrap),
            "auto|never",
            "whether this server may publish its list if the network has none",
            "auto",
        ),
        Setting("join_token_file", values.path, "FILE", "file with a join token, if the policy requires one"),
    ),
)
ADMIN_API = SettingGroup(
    "admin API",
    (
        Setting(
            "admin",
            values.address_or_off,
            "ADDRESS",
            "HOST:PORT of the admin API, or off",
            "127.0.0.1:9180",
        ),
    ),
)
PROCESS = SettingGroup(
    "the process",
    (
        Setting("command", values.command, "COMMAND", "process to launch and supervise", flag_override=""),
        Setting(
            "start_timeout",
            values.seconds(1),
            "SECONDS",
            "time to become healthy before the process is restarted",
            "60",
        ),
        Setting("stop_timeout", values.seconds(0), "SECONDS", "time from SIGTERM to SIGKILL", "10"),
        Setting(
            "on_removed",
            values.choice(OnRemoved),
            "stop|leave",
            "what happens to the process when this server is removed",
            "stop",
        ),
    ),
)
HEALTH = SettingGroup(
    "health of the process",
    (
        Setting(
            "health",
            values.health,
            "PROBE",
            "http(s) URL, tcp://HOST:PORT or exec:COMMAND",
            derived_default="TCP connect to the server's URL; for a database node, the process is alive",
        ),
        Setting("health_interval", values.seconds(0.1), "SECONDS", "interval between probes", "5"),
        Setting("health_timeout", values.seconds(0.1), "SECONDS", "timeout of one probe", "2"),
        Setting(
            "health_threshold",
            values.count(100),
            "N",
            "failed probes in a row until the process is unhealthy",
            "2",
        ),
    ),
)
ALL_GROUPS = (ETCD, NODE_FILE, MEMBERSHIP, PROCESS, HEALTH, RESTARTS, *DRIVERS, ADMIN_API, LOGGING)
"""What ``sidecar run`` takes."""

NETWORK_SETTINGS = ETCD.settings + LOGGING.settings
"""What every command takes that talks to etcd."""

ALL_SETTINGS = tuple(setting for group in ALL_GROUPS for setting in group.settings)
