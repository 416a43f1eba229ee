"""Open the port of the admin API before anything is started, so that a port in use stops nothing."""

from __future__ import annotations

import errno
import socket

from sidecar.config import Address
from sidecar.domain.errors import BadConfiguration
from sidecar.domain.printing import os_reason

_ADVICE = "choose another with --admin HOST:PORT (SIDECAR_ADMIN), or --admin off"


def listen(address: Address) -> socket.socket:
    """Return a socket that listens there. Raises `BadConfiguration`. Costs no import of aiohttp."""
    try:
        family, _, _, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server((address.host, where[1]), family=family)
    except socket.gaierror as exc:
        what = f"the host {address.host!r} is unknown"
        raise BadConfiguration(f"admin: {what}; {_ADVICE}") from exc
    except OSError as exc:
        what = {
            errno.EADDRINUSE: f"port {address.port} is in use, perhaps by another sidecar",
            errno.EADDRNOTAVAIL: f"this machine has no address {address.host}",
            errno.EACCES: f"port {address.port} is reserved for root",
        }.get(exc.errno or 0, os_reason(exc))
        raise BadConfiguration(f"admin: cannot listen on {address}: {what}; {_ADVICE}") from exc


def bound_address(listener: socket.socket) -> Address:
    """The address of ``listener``, with the port that the kernel chose."""
    host, port, *_ = listener.getsockname()
    return Address(host, port)
