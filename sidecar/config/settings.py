"""The frozen objects that settings end up in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sidecar.config.restart_modes import ChildRestart, Restart
from sidecar.config.table import Bootstrap, LogFormat, LogLevel, OnRemoved
from sidecar.config.values import Address
from sidecar.domain.identity import Role
from sidecar.domain.records.tokens import JoinToken
from sidecar.domain.servers import NodeID, ServerUrl


@dataclass(frozen=True, slots=True)
class EtcdAccess:
    """How to reach etcd: base URLs in normal form, PEM files, and who to be there."""

    endpoints: tuple[str, ...]
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What every command that talks to etcd needs."""

    access: EtcdAccess
    network: str
    log_format: LogFormat
    log_level: LogLevel


@dataclass(frozen=True, slots=True)
class Settings(NetworkSettings):
    """What ``sidecar run`` needs. Durations are in seconds.

    None: ``node_id`` is the file's, ``url`` is found in its list, ``health`` is a TCP connect to
    ``url``, ``admin`` is off, ``seed`` and ``load_join_token`` are none.
    """

    file: Path
    role: Role
    node_id: NodeID | None
    url: ServerUrl | None
    state_dir: Path
    lease_ttl: float
    stop_timeout: float
    health: str | None
    health_interval: float
    health_timeout: float
    health_threshold: int
    bootstrap: Bootstrap
    on_removed: OnRemoved
    admin: Address | None
    seed: Path | None
    join_token: JoinToken | None = field(repr=False)
    restart: Restart
    restart_timeout: float
    start_timeout: float

    @property
    def command(self) -> tuple[str, ...]:
        """What the sidecar launches; empty where that is not its task."""
        return self.restart.command if isinstance(self.restart, ChildRestart) else ()
