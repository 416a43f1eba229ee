"""Free ports, each given to one test only, also among tests that run at the same time."""

from __future__ import annotations

import random
import socket

# Below the kernel's for outgoing connections, which are taken at any moment, and apart from those of the
# embedded etcds that the product starts by itself.
NODE_PORTS = range(10_000, 20_000)
ETCD_PORTS = range(20_000, 26_000)


class PortPool:
    """Hands out free TCP ports, each reserved until `close`.

    Binding port 0 and closing it again is a race between tests that run side by side. The reservation is an
    abstract Unix socket, whose name one process at a time can have, and which ends with that process.
    """

    def __init__(self, candidates: range = NODE_PORTS) -> None:
        self._among = candidates
        self._held: list[socket.socket] = []

    def take(self) -> int:
        """Return a port that is free on 127.0.0.1."""
        for _ in range(1000):
            port = random.choice(self._among)
            if self._reserve(port):
                return port
        raise RuntimeError("no port is free")

    def _reserve(self, port: int) -> bool:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0sidecar-tests-port-{port}")
            with socket.socket() as trial:
                trial.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            return False
        self._held.append(claim)
        return True

    def close(self) -> None:
        """Let other tests have them."""
        for claim in self._held:
            claim.close()
