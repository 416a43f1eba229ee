"""Succession: from the end of a leader's sidecar, by kill -9 and by SIGTERM, until another one leads."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

from bench.figures import Figure, Samples
from bench.ground import PATIENCE, Ground, Sidecar, end, wait_until
from sidecar.domain.records.keys import Keys

TTL = 2
"""Seconds; the least that can be set, so that twenty deaths do not take an hour."""
AFTER_KILL = TTL + 1.0
AT_ONCE = 0.5
PORTS = (9000, 9001, 9002)
SERVERS = [f"http://localhost:{port}" for port in PORTS]
LEADS = "leading"


def measure(ground: Ground) -> Iterator[Figure]:
    tries = ground.tries(20, 3)
    trio = _Trio(ground)
    try:
        for signum, limit in ((signal.SIGKILL, AFTER_KILL), (signal.SIGTERM, AT_ONCE)):
            found = Samples.of([trio.succession(signum) for _ in range(tries)])
            yield Figure(f"succession after {signum.name}, TTL {TTL} s", "s", found, limit=limit)
    finally:
        end(list(trio.sidecars.values()))


class _Trio:
    """Three servers without processes. Whoever is killed stands again for the next time."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._keys: Keys = ground.network()
        self.sidecars: dict[int, Sidecar] = {}
        for port in PORTS:
            self._start(port)

    def succession(self, signum: signal.Signals) -> float:
        """End the leader; seconds until another leads."""
        wait_until(lambda: self._terms() and self._standing() == len(PORTS), "one leads and two wait")
        port = max(self._terms(), key=lambda port: self._terms()[port])
        leader = self.sidecars.pop(port)
        killed = time.time()
        leader.process.send_signal(signum)
        wait_until(lambda: max(self._terms().values(), default=0.0) > killed, "another one leads")
        found = max(self._terms().values()) - killed
        leader.process.wait(PATIENCE)
        self._start(port)
        return found

    def _start(self, port: int) -> None:
        file = self._ground.file(self._keys, f"fed-{port}", SERVERS, port=port)
        self.sidecars[port] = self._ground.start(self._keys, file, "--admin", "off", "--lease-ttl", str(TTL))

    def _terms(self) -> dict[int, float]:
        """When each of those that run began to lead, where it did."""
        terms = {port: sidecar.logged(LEADS) for port, sidecar in self.sidecars.items()}
        return {port: began[-1] for port, began in terms.items() if began}

    def _standing(self) -> int:
        return self._ground.gateway.count(self._keys.candidates())
