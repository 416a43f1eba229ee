"""Idle: what sidecars in step ask of etcd and of the processor when nothing happens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from bench.figures import Figure, Samples
from bench.processes import cpu_seconds
from bench.testbed import Testbed
from bench.two_nodes import leader_and_database

SETTLE_TIME = 12.0
"""Seconds until idle worker threads have ended, and the last report is written."""
KEEP_ALIVE = "LeaseKeepAlive"
LEASE_TTL, RENEWALS = 10.0, 3
"""The default time to live, and how often a lease is renewed in it."""
MAX_CPU_PERCENT = 0.1


def measure(testbed: Testbed) -> Iterator[Figure]:
    with leader_and_database(testbed) as sidecars:
        time.sleep(SETTLE_TIME)
        window = testbed.tries(60, 10)
        calls, began = Counter(testbed.gateway.call_counts()), time.monotonic()
        used = [cpu_seconds(sidecar.pid) for sidecar in sidecars]
        time.sleep(window)
        spent = [cpu_seconds(sidecar.pid) - before for sidecar, before in zip(sidecars, used, strict=True)]
        passed = time.monotonic() - began
        calls = Counter(testbed.gateway.call_counts()) - calls
    for who, seconds in zip(("a leader", "a database node"), spent, strict=True):
        yield Figure(
            f"CPU of {who} at rest",
            "% of a core",
            Samples.of([seconds / passed * 100]),
            limit=MAX_CPU_PERCENT,
        )
    due = Samples.of([len(sidecars) * passed * RENEWALS / LEASE_TTL])
    yield Figure(
        "keep-alives of both at rest, against those due", "calls", Samples.of([calls[KEEP_ALIVE]]), due
    )
    others = calls.total() - calls[KEEP_ALIVE]
    yield Figure("other calls of etcd at rest", "calls", Samples.of([others]), limit=0)
