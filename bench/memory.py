"""Memory at rest: a leader with a process and the admin API, and a database node, after they have settled."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.figures import Figure, Samples
from bench.processes import resident_mib
from bench.testbed import Testbed
from bench.two_nodes import leader_and_database

MAX_RSS_MIB = 48.0


def measure(testbed: Testbed) -> Iterator[Figure]:
    with leader_and_database(testbed) as (leader, database):
        time.sleep(testbed.tries(12, 4))  # idle worker threads end after ten seconds
        found = {"a leader": resident_mib(leader.pid), "a database node": resident_mib(database.pid)}
    for who, (resident, proportional) in found.items():
        yield Figure(f"memory of {who} at rest (RSS)", "MiB", Samples.of([resident]), limit=MAX_RSS_MIB)
        yield Figure(f"memory of {who} at rest (PSS)", "MiB", Samples.of([proportional]))
