"""What the etcd adapter has to be told."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.domain.errors import BadConfiguration


@dataclass(frozen=True, slots=True)
class EtcdSettings:
    """Where etcd is and how to talk to it. Raises `BadConfiguration` when the settings contradict.

    ``call_timeout`` bounds a whole call, over all endpoints. A watch stream on which etcd has said nothing
    for ``watch_silence_timeout`` is given up; etcd's progress notifications come every 10 minutes unless it
    is told otherwise. Both in seconds. ``ca``, ``cert`` and ``key`` are PEM files for endpoints with
    ``https``.
    """

    endpoints: tuple[str, ...]
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    user: str | None = None
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

    def check_files(self) -> None:
        """Raise `BadConfiguration` for a certificate or key that cannot be read, or is none."""
        if self.ca is None and self.cert is None:
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca is not None:
            with _as_bad_configuration("CA", self.ca):
                context.load_verify_locations(self.ca)
        if self.cert is not None and self.key is not None:
            with _as_bad_configuration("client key", self.key):
                self.key.open("rb").close()
            with _as_bad_configuration("client certificate and key", self.cert):
                context.load_cert_chain(self.cert, self.key)


@contextmanager
def _as_bad_configuration(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as exc:
        why = getattr(exc, "reason", None) or "no PEM file of the kind"
        raise BadConfiguration(f"etcd's {what}, {path}: {str(why).replace('_', ' ').lower()}") from exc
    except OSError as exc:
        raise BadConfiguration(f"etcd's {what} {path} cannot be read: {exc.strerror}") from exc
