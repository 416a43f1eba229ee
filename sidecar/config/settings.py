"""The frozen objects that settings end up in, grouped by what they are about.

A field with `from_key` holds the setting with that key as it is; any other field is derived from several.
Durations are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sidecar.config.filling import from_key
from sidecar.config.restart_modes import ChildRestart, Restart
from sidecar.config.table import Bootstrap, LogFormat, LogLevel, OnRemoved
from sidecar.config.values import Address
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.identity import Role
from sidecar.domain.records.tokens import JoinToken
from sidecar.domain.servers import NodeID, ServerUrl


@dataclass(frozen=True, slots=True)
class EtcdSettings:
    """How to reach etcd: base URLs in normal form, PEM files for endpoints with ``https``, and a user.

    ``call_timeout`` bounds a whole call, over all endpoints. A watch stream on which etcd has been silent for
    ``watch_silence_timeout`` is closed; etcd reports progress every 10 minutes unless it is configured
    otherwise. Raises `BadConfiguration` if the settings contradict each other.
    """

    endpoints: tuple[str, ...] = field(metadata=from_key("etcd"))
    ca: Path | None = field(default=None, metadata=from_key("tls.ca"))
    cert: Path | None = field(default=None, metadata=from_key("tls.cert"))
    key: Path | None = field(default=None, metadata=from_key("tls.key"))
    user: str | None = field(default=None, metadata=from_key("auth.user"))
    password: str | None = field(default=None, repr=False)
    call_timeout: float = 5.0
    watch_silence_timeout: float = 25 * 60.0

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise BadConfiguration("no etcd endpoint is set; name at least one, like http://127.0.0.1:2379")
        if (self.cert is None) != (self.key is None):
            missing = "key" if self.key is None else "certificate"
            raise BadConfiguration(f"etcd's client {missing} is missing; set certificate and key, or neither")
        if (self.user is None) != (self.password is None):
            missing = "password" if self.password is None else "user"
            raise BadConfiguration(f"etcd's {missing} is missing; set user and password, or neither")
        if self.call_timeout <= 0 or self.watch_silence_timeout <= 0:
            raise BadConfiguration("etcd's timeouts must be more than 0 seconds")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How to log."""

    format: LogFormat = field(metadata=from_key("log_format"))
    level: LogLevel = field(metadata=from_key("log_level"))


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Which node this is, and its files. None: ``node_id`` is the file's, ``url`` is found in its list."""

    file: Path
    role: Role
    state_dir: Path
    node_id: NodeID | None = field(metadata=from_key("node_id"))
    url: ServerUrl | None = field(metadata=from_key("url"))
    seed: Path | None = field(metadata=from_key("seed"))


@dataclass(frozen=True, slots=True)
class MembershipSettings:
    """How the node joins the network, and how long it may be silent."""

    lease_ttl: float = field(metadata=from_key("lease_ttl"))
    bootstrap: Bootstrap = field(metadata=from_key("bootstrap"))
    join_token: JoinToken | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """The process next to the sidecar: how it is restarted, and what happens to it."""

    restart: Restart
    restart_timeout: float = field(metadata=from_key("restart_timeout"))
    start_timeout: float = field(metadata=from_key("start_timeout"))
    stop_timeout: float = field(metadata=from_key("stop_timeout"))
    on_removed: OnRemoved = field(metadata=from_key("on_removed"))

    @property
    def command(self) -> tuple[str, ...]:
        """What the sidecar launches; empty if something else launches the process."""
        return self.restart.command if isinstance(self.restart, ChildRestart) else ()


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """How the process is probed; ``probe`` None is a TCP connection to the node's URL."""

    probe: str | None = field(metadata=from_key("health"))
    interval: float = field(metadata=from_key("health_interval"))
    timeout: float = field(metadata=from_key("health_timeout"))
    threshold: int = field(metadata=from_key("health_threshold"))


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What every command that talks to etcd needs."""

    etcd: EtcdSettings
    network: str = field(metadata=from_key("network"))
    logging: LogSettings


@dataclass(frozen=True, slots=True)
class Settings(NetworkSettings):
    """What ``sidecar run`` needs; ``admin`` None: the admin API is off."""

    node: NodeSettings
    membership: MembershipSettings
    process: ProcessSettings
    health: HealthSettings
    admin: Address | None = field(metadata=from_key("admin"))
