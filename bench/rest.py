"""Rest: what sidecars in step ask of etcd and of the processor when nothing happens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from bench.figures import Figure, Samples
from bench.ground import Ground
from bench.pair import pair
from bench.processes import cpu_seconds

SETTLED = 12.0
"""Seconds until idle worker threads have ended, and the last report is written."""
KEEP_ALIVE = "LeaseKeepAlive"
TTL, RENEWALS = 10.0, 3
"""The default time to live, and how often a lease is renewed in it."""
LIMIT = 0.1


def measure(ground: Ground) -> Iterator[Figure]:
    with pair(ground) as sidecars:
        time.sleep(SETTLED)
        window = ground.tries(60, 10)
        calls, began = Counter(ground.gateway.calls()), time.monotonic()
        used = [cpu_seconds(sidecar.pid) for sidecar in sidecars]
        time.sleep(window)
        spent = [cpu_seconds(sidecar.pid) - before for sidecar, before in zip(sidecars, used, strict=True)]
        passed = time.monotonic() - began
        calls = Counter(ground.gateway.calls()) - calls
    for who, seconds in zip(("a leader", "a database node"), spent, strict=True):
        yield Figure(
            f"CPU of {who} at rest", "% of a core", Samples.of([seconds / passed * 100]), limit=LIMIT
        )
    due = Samples.of([len(sidecars) * passed * RENEWALS / TTL])
    yield Figure(
        "keep-alives of both at rest, against those due", "calls", Samples.of([calls[KEEP_ALIVE]]), due
    )
    others = calls.total() - calls[KEEP_ALIVE]
    yield Figure("other calls of etcd at rest", "calls", Samples.of([others]), limit=0)
