"""Propagation: from the commit of a canonical version to the last file replaced and fsynced.

The sidecars have no process to restart, so that only the way to the file is timed. They are database nodes
and the measurement plays the leader. The floor is the same number of bare readers of the watch stream.
Floor and sidecars take turns, so that neither is slowed down by the other and both meet the same machine. The
time of a commit begins when it is sent: etcd notifies its watchers before it answers, or at the same time.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from bench.figures import Figure, Samples
from bench.file_replacements import ReplacementWatcher
from bench.processes import cpu_seconds
from bench.testbed import (
    PROJECT,
    WAIT_TIMEOUT,
    SidecarProcess,
    Testbed,
    stop_all,
    subprocess_environ,
    wait_until,
)
from sidecar.adapters.files.durable import replace_file
from sidecar.domain.records.keys import Keys

COUNTS = (1, 10, 50)
UPDATE_INTERVAL = 0.1
"""Seconds from the last file of one update to the next update, when CPU is counted."""
SETTLE_TIME, IDLE_WINDOW = 2.0, 5.0
"""Seconds until reports and last-known-good lists are written, and over which rest is measured."""
CONFD_LAST_OF_50, CONFD_FLOOR = 50.0, 9.0
"""confd's best, in ms, where the floor was that; the ratio is what can be carried to another machine."""


def measure(testbed: Testbed) -> Iterator[Figure]:
    yield Figure("a bare replace and fsync of a file, without etcd", "ms", _bare_writes(testbed))
    for number in COUNTS:
        yield from _measure(testbed, number)


def _bare_writes(testbed: Testbed) -> Samples:
    """What no propagation that ends on this disk can do without, and the floor below does not have."""
    path = testbed.file(testbed.network(), "bare", ["http://node-1:9000"])
    data, like = path.read_bytes(), path.stat()

    def write() -> float:
        began = time.monotonic()
        replace_file(path, data, like=like)
        return (time.monotonic() - began) * 1000

    return Samples.of(_paced(write, UPDATE_INTERVAL) for _ in range(testbed.tries(30, 10)))


def _measure(testbed: Testbed, number: int) -> Iterator[Figure]:
    keys, versions = testbed.network(), count(2)
    tries = testbed.tries(30, 10)
    testbed.publish(keys, 1, _servers(1))

    def timed(wait_for_all: Callable[[], float]) -> float:
        version = next(versions)
        sent = time.monotonic()
        testbed.publish(keys, version, _servers(version))
        return (wait_for_all() - sent) * 1000

    def floor() -> list[float]:
        with _readers(testbed, keys, number) as wait_for_all:
            return [_paced(lambda: timed(wait_for_all), 0.1) for _ in range(tries // 2 + 1)]

    before = floor()
    with _sidecars(testbed, keys, number) as (sidecars, watcher):
        found = [
            _paced(lambda: timed(lambda: watcher.wait_for_all(WAIT_TIMEOUT)), SETTLE_TIME)
            for _ in range(tries)
        ]
        cpu = _cpu(testbed, sidecars, lambda: timed(lambda: watcher.wait_for_all(WAIT_TIMEOUT)))
    floors = Samples.of([*before, *floor()])
    last = "its file" if number == 1 else f"the last of {number} files"
    factor = 1.35 if number == 1 else CONFD_LAST_OF_50 / CONFD_FLOOR if number == max(COUNTS) else None
    yield Figure(f"propagation to {last}", "ms", Samples.of(found), floors, factor=factor)
    limit = 1.5 if number == max(COUNTS) else None
    yield Figure(f"CPU per sidecar and update, {number} of them", "ms", Samples.of([cpu]), limit=limit)


def _cpu(testbed: Testbed, sidecars: list[SidecarProcess], update: Callable[[], float]) -> float:
    """Milliseconds that one update costs one sidecar, all that follows from it included, rest deducted."""
    updates = testbed.tries(100, 20)
    time.sleep(SETTLE_TIME)
    rested, used = _used(sidecars), time.monotonic()
    time.sleep(IDLE_WINDOW)
    rate = (_used(sidecars) - rested) / (time.monotonic() - used)
    began, before = time.monotonic(), _used(sidecars)
    for _ in range(updates):
        _paced(update, UPDATE_INTERVAL)
    time.sleep(SETTLE_TIME)  # the last reports, and lists to remember
    spent = _used(sidecars) - before - rate * (time.monotonic() - began)
    return spent / updates / len(sidecars) * 1000


def _used(sidecars: list[SidecarProcess]) -> float:
    return sum(cpu_seconds(sidecar.pid) for sidecar in sidecars)


def _paced(timed: Callable[[], float], pause: float) -> float:
    found = timed()
    time.sleep(pause)
    return found


@contextmanager
def _sidecars(
    testbed: Testbed, keys: Keys, number: int
) -> Iterator[tuple[list[SidecarProcess], ReplacementWatcher]]:
    files = [testbed.file(keys, f"db-{index}", ["http://node-1:9000"]) for index in range(number)]
    sidecars = [testbed.start(keys, file, "--admin", "off") for file in files]
    try:
        wait_until(lambda: all(sidecar.logged("running") for sidecar in sidecars), "the sidecars run")
        time.sleep(2.0)  # the first reports, and the imports behind the start
        with ReplacementWatcher(files) as watcher:
            yield sidecars, watcher
    finally:
        stop_all(sidecars)


@contextmanager
def _readers(testbed: Testbed, keys: Keys, number: int) -> Iterator[Callable[[], float]]:
    read, write = os.pipe()
    line = [sys.executable, "-m", "bench.reader", testbed.etcd.url, keys.canonical]
    readers = [
        subprocess.Popen(line, cwd=PROJECT, env=subprocess_environ(), stdin=subprocess.DEVNULL, stdout=write)
        for _ in range(number)
    ]
    os.close(write)

    def wait_for_all() -> float:
        """Wait for a line from each reader; the latest time that one of them reported."""
        told = b""
        deadline = time.monotonic() + WAIT_TIMEOUT
        while told.count(b"\n") < number:
            if not select.select([read], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"a reader said nothing for {WAIT_TIMEOUT:g} s")
            if not (piece := os.read(read, 1 << 16)):
                raise RuntimeError("the readers ended before they reported anything")
            told += piece
        return max(int(stamp) for stamp in told.split()) / 1e9

    try:
        wait_for_all()  # each reports that etcd has confirmed its watch
        yield wait_for_all
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
        os.close(read)


def _servers(version: int) -> list[str]:
    """Five servers, another last one in each version."""
    return [f"http://node-{index}:9000" for index in (1, 2, 3, 4, 10 + version % 10)]
