"""Checking etcd's certificates before a connection needs them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar.config import EtcdSettings
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.printing import why_unreadable


def check_certificates(settings: EtcdSettings) -> None:
    """Raise `BadConfiguration` for a certificate or key that cannot be read or is not one."""
    if settings.ca is None and settings.cert is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if settings.ca is not None:
        with _as_bad_configuration("CA", settings.ca):
            context.load_verify_locations(settings.ca)
    if settings.cert is not None and settings.key is not None:
        with _as_bad_configuration("client key", settings.key):
            settings.key.open("rb").close()
        with _as_bad_configuration("client certificate and key", settings.cert):
            context.load_cert_chain(settings.cert, settings.key)


@contextmanager
def _as_bad_configuration(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as exc:
        why = getattr(exc, "reason", None) or "no PEM file of the kind"
        raise BadConfiguration(f"etcd's {what}, {path}: {str(why).replace('_', ' ').lower()}") from exc
    except OSError as exc:
        raise BadConfiguration(f"etcd's {what} {path} {why_unreadable(exc)}") from exc
