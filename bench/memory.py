"""Memory at rest: a leader with a process and the admin API, and a database node, after they have settled."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.figures import Figure, Samples
from bench.ground import Ground
from bench.pair import pair
from bench.processes import resident_mib

LIMIT = 48.0


def measure(ground: Ground) -> Iterator[Figure]:
    with pair(ground) as (leader, database):
        time.sleep(ground.tries(12, 4))  # idle worker threads end after ten seconds
        found = {"a leader": resident_mib(leader.pid), "a database node": resident_mib(database.pid)}
    for who, (resident, proportional) in found.items():
        yield Figure(f"memory of {who} at rest (RSS)", "MiB", Samples.of([resident]), limit=LIMIT)
        yield Figure(f"memory of {who} at rest (PSS)", "MiB", Samples.of([proportional]))
