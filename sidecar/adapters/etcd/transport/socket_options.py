"""Socket options that let the kernel notice a peer that is gone without a word.

At rest nothing is sent to etcd on a watch stream, so a half-open connection (a power cut, a NAT that forgot)
would be trusted forever. Probes are the kernel's: no request to etcd, no wake-up of this process.
"""

from __future__ import annotations

import socket

PEER_TIMEOUT = 30
"""Seconds after which a peer that acknowledges nothing is taken for dead."""

SOCKET_OPTIONS: tuple[tuple[int, int, int], ...] = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    # For what was sent and never acknowledged: keep-alive probes do not run while data is in flight.
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, PEER_TIMEOUT * 1000),
)


def set_socket_options(sock: socket.socket | None) -> None:
    """Set them on a socket that a library has opened for us."""
    if sock is not None:
        for option in SOCKET_OPTIONS:
            sock.setsockopt(*option)
