"""``python -m bench``: measure, and print the table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from bench import failover, idle, join, memory, propagation, startup, storm
from bench.figures import Figure
from bench.table import table
from bench.testbed import Testbed, open_testbed
from sidecar.domain.errors import SidecarError

MEASUREMENTS: dict[str, Callable[[Testbed], Iterator[Figure]]] = {
    "propagation": propagation.measure,
    "memory": memory.measure,
    "start-up": startup.measure,
    "idle": idle.measure,
    "failover": failover.measure,
    "join": join.measure,
    "storm": storm.measure,
}
EXIT_NOT_MEASURED = 1


def main() -> int:
    """Run the measurements; return 0 unless one could not be made."""
    parser = argparse.ArgumentParser(
        "bench", description="Measures what a sidecar costs on a real etcd, as ratios."
    )
    parser.add_argument("--quick", action="store_true", help="fewer tries, rougher figures")
    parser.add_argument("--only", metavar="NAME", choices=MEASUREMENTS, help=", ".join(MEASUREMENTS))
    chosen = parser.parse_args()
    figures: list[Figure] = []
    code = 0
    for name in [chosen.only] if chosen.only else MEASUREMENTS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            with open_testbed(quick=chosen.quick) as prepared:
                figures += MEASUREMENTS[name](prepared)
        except (SidecarError, OSError, RuntimeError) as exc:
            print(f"bench: error: {name} could not be measured: {exc}", file=sys.stderr)
            code = EXIT_NOT_MEASURED
    if figures:
        print(table(figures))
    return code


if __name__ == "__main__":
    sys.exit(main())
