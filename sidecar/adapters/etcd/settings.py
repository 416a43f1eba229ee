"""What the etcd adapter has to be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sidecar.domain.errors import BadConfiguration


@dataclass(frozen=True, slots=True)
class EtcdSettings:
    """Where etcd is and how to talk to it. Raises `BadConfiguration` when the settings contradict.

    ``call_timeout`` bounds a whole call, over all endpoints. A watch stream on which etcd has said nothing
    for ``watch_silence`` is given up; etcd's progress notifications come every 10 minutes unless it is told
    otherwise. Both in seconds. ``ca``, ``cert`` and ``key`` are PEM files for endpoints with ``https``.
    """

    endpoints: tuple[str, ...]
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    call_timeout: float = 5.0
    watch_silence: float = 25 * 60.0

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise BadConfiguration("no etcd endpoint is set; name at least one, like http://127.0.0.1:2379")
        if (self.cert is None) != (self.key is None):
            missing = "key" if self.key is None else "certificate"
            raise BadConfiguration(f"etcd's client {missing} is missing; set certificate and key, or neither")
        if (self.user is None) != (self.password is None):
            missing = "password" if self.password is None else "user"
            raise BadConfiguration(f"etcd's {missing} is missing; set user and password, or neither")
        if self.call_timeout <= 0 or self.watch_silence <= 0:
            raise BadConfiguration("etcd's timeouts must be more than 0 seconds")

    def check_files(self) -> None:
        """Raise `BadConfiguration` for a certificate or key that cannot be read."""
        for what, path in (("CA", self.ca), ("client certificate", self.cert), ("client key", self.key)):
            if path is None:
                continue
            try:
                path.open("rb").close()
            except OSError as exc:
                raise BadConfiguration(f"etcd's {what} {path} cannot be read: {exc.strerror}") from exc
