"""``python -m tests.simulation``: runs many seeds quietly, or one with its events."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.event_log import InvariantViolated
from tests.simulation.runner import simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, help="run this seed, and print its events")
    parser.add_argument("--seeds", type=int, default=1000, help="number of seeds (default: 1000)")
    parser.add_argument("--first", type=int, default=0, help="first seed (default: 0)")
    parser.add_argument("--processes", type=int, default=2, help="number of processes (default: 2)")
    chosen = parser.parse_args()
    logging.getLogger().addHandler(logging.NullHandler())
    if chosen.seed is not None:
        return _print_events(chosen.seed)
    return _many(range(chosen.first, chosen.first + chosen.seeds), chosen.processes)


def _print_events(seed: int) -> int:
    try:
        result = simulate(seed, echo=print)
    except InvariantViolated as broken:
        print(f"\n{broken}")
        return 1
    print(f"seed {seed}: no invariant violated, {result.versions} versions, {result.restarts} restarts")
    return 0


def _many(seeds: range, processes: int) -> int:
    began, failed = time.monotonic(), list[int]()
    with ProcessPoolExecutor(processes) as pool:
        for done, (seed, wrong) in enumerate(pool.map(_quietly, seeds, chunksize=4), start=1):
            if wrong:
                failed.append(seed)
                _progress("")
                print(wrong, end="\n\n", flush=True)
            pace = done / (time.monotonic() - began)
            _progress(f"{done} of {len(seeds)} seeds, {len(failed)} failed, {pace:.1f} a second")
    _progress("")
    print(f"{len(seeds)} seeds from {seeds.start}, {time.monotonic() - began:.0f} s: {len(failed)} failed")
    if failed:
        print("failed:", *failed)
    return 1 if failed else 0


def _quietly(seed: int) -> tuple[int, str]:
    try:
        simulate(seed)
    except InvariantViolated as broken:
        return seed, str(broken)
    return seed, ""


def _progress(line: str) -> None:
    """Show ``line`` in place of the last one, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
