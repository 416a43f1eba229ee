"""Free ports for the demo: from 9000 on, or a block like it elsewhere."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sidecar.domain.errors import BadConfiguration

DEFAULT_BASE = 9000
# Below the range of outgoing connections (32768 and up): no connection to etcd may take the port of a
# node that is down for a while.
OTHER_BASES = range(7000, 8800, 100)


@contextmanager
def port_block(offsets: Sequence[int]) -> Iterator[int]:
    """Yield a base port: the ports at ``offsets`` from it are free, and no other demo uses it."""
    for base in _candidates():
        reservation = _reserve(base)
        if reservation is None:
            continue
        with reservation:
            if all(_is_free(base + offset) for offset in offsets):
                yield base
                return
    raise BadConfiguration(
        "no free ports: every block of 200 ports from 7000 to 9000 has a port in use; free some"
    )


def _candidates() -> Iterable[int]:
    return (DEFAULT_BASE, *random.sample(OTHER_BASES, len(OTHER_BASES)))


def _reserve(base: int) -> socket.socket | None:
    """Reserve the block while the socket is open; None if another demo has reserved it."""
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        reservation.bind(f"\0federation-sidecar-demo-{base}")  # abstract: leaves no file behind
    except OSError:
        reservation.close()
        return None
    return reservation


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
            candidate.listen()
        except OSError:
            return False
    return True
