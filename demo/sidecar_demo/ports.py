"""Free ports for the demo: the owner's own, 9000 and on, or a block like it elsewhere."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sidecar.domain.errors import BadConfiguration

DEFAULT_BASE = 9000
# Below the kernel's range for outgoing connections (32768 and up): a port that nobody listens on for a
# while must not be taken by somebody's connection to etcd.
OTHER_BASES = range(7000, 8800, 100)


@contextmanager
def port_block(offsets: Sequence[int]) -> Iterator[int]:
    """Yield a base port: it and every one at ``offsets`` from it are free, and no other demo has it."""
    for base in _candidates():
        reservation = _reserve(base)
        if reservation is None:
            continue
        with reservation:
            if all(_is_free(base + offset) for offset in offsets):
                yield base
                return
    raise BadConfiguration(
        "no free ports: of every block of 200 from 7000 to 9000, some port is taken; free some"
    )


def _candidates() -> Iterable[int]:
    return (DEFAULT_BASE, *random.sample(OTHER_BASES, len(OTHER_BASES)))


def _reserve(base: int) -> socket.socket | None:
    """Keep other demos off the block, for as long as the socket is open; None where one has it."""
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
