"""Failover: from the end of the leader's sidecar, by kill -9 or SIGTERM, until there is another leader."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

from bench.figures import Figure, Samples
from bench.testbed import WAIT_TIMEOUT, SidecarProcess, Testbed, stop_all, wait_until
from sidecar.domain.records.keys import Keys

LEASE_TTL = 2
"""Seconds; the least that can be set, so that twenty kills do not take an hour."""
MAX_AFTER_SIGKILL = LEASE_TTL + 1.0
MAX_AFTER_SIGTERM = 0.5
PORTS = (9000, 9001, 9002)
SERVERS = [f"http://localhost:{port}" for port in PORTS]
LEADING_EVENT = "elected as leader"


def measure(testbed: Testbed) -> Iterator[Figure]:
    tries = testbed.tries(20, 3)
    servers = _ThreeServers(testbed)
    try:
        for signum, limit in ((signal.SIGKILL, MAX_AFTER_SIGKILL), (signal.SIGTERM, MAX_AFTER_SIGTERM)):
            found = Samples.of([servers.failover(signum) for _ in range(tries)])
            yield Figure(f"failover after {signum.name}, TTL {LEASE_TTL} s", "s", found, limit=limit)
    finally:
        stop_all(list(servers.sidecars.values()))


class _ThreeServers:
    """Three servers without processes. A killed one is restarted for the next round."""

    def __init__(self, testbed: Testbed) -> None:
        self._ground = testbed
        self._keys: Keys = testbed.network()
        self.sidecars: dict[int, SidecarProcess] = {}
        for port in PORTS:
            self._start(port)

    def failover(self, signum: signal.Signals) -> float:
        """End the leader; return the seconds until there is another."""
        wait_until(
            lambda: self._leading_since() and self._candidate_count() == len(PORTS),
            "there is a leader and two candidates",
        )
        port = max(self._leading_since(), key=lambda port: self._leading_since()[port])
        leader = self.sidecars.pop(port)
        killed = time.time()
        leader.process.send_signal(signum)
        wait_until(
            lambda: max(self._leading_since().values(), default=0.0) > killed, "there is another leader"
        )
        found = max(self._leading_since().values()) - killed
        leader.process.wait(WAIT_TIMEOUT)
        self._start(port)
        return found

    def _start(self, port: int) -> None:
        file = self._ground.file(self._keys, f"fed-{port}", SERVERS, port=port)
        self.sidecars[port] = self._ground.start(
            self._keys, file, "--admin", "off", "--lease-ttl", str(LEASE_TTL)
        )

    def _leading_since(self) -> dict[int, float]:
        """When each running sidecar became leader, if it did."""
        terms = {port: sidecar.logged(LEADING_EVENT) for port, sidecar in self.sidecars.items()}
        return {port: began[-1] for port, began in terms.items() if began}

    def _candidate_count(self) -> int:
        return self._ground.gateway.count(self._keys.candidate_range())
