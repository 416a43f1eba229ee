"""Join: from the exec of a newcomer's sidecar to the last file of the network that names it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.figures import Figure, Samples
from bench.file_replacements import ReplacementWatcher
from bench.startup import imports
from bench.testbed import WAIT_TIMEOUT, SidecarProcess, Testbed, stop_all, wait_until
from sidecar.domain.records.keys import Keys

INITIAL_SERVERS, FIRST_PORT = 3, 9000


def measure(testbed: Testbed) -> Iterator[Figure]:
    keys, sidecars, found, floor = testbed.network(), list[SidecarProcess](), list[float](), list[float]()
    servers = [_url(index) for index in range(INITIAL_SERVERS)]
    try:
        for index in range(INITIAL_SERVERS):
            sidecars.append(_start(testbed, keys, index, servers))
        wait_until(lambda: any(sidecar.logged("elected as leader") for sidecar in sidecars), "one leads")
        for index in range(INITIAL_SERVERS, INITIAL_SERVERS + testbed.tries(7, 2)):
            time.sleep(2.0)  # the imports behind the last one's start are done
            floor.append(imports())
            found.append(_join(testbed, keys, index, sidecars))
    finally:
        stop_all(sidecars)
    yield Figure(
        f"join, start to the last of {INITIAL_SERVERS + 1} to {len(sidecars)} files",
        "ms",
        Samples.of(found),
        Samples.of(floor),
    )


def _join(testbed: Testbed, keys: Keys, index: int, sidecars: list[SidecarProcess]) -> float:
    """Let one more in, which knows one of the others; how many milliseconds that took."""
    servers = [_url(0), _url(index)]
    file = testbed.file(keys, f"fed-{index}", servers, port=FIRST_PORT + index)
    with ReplacementWatcher([*(sidecar.file for sidecar in sidecars), file]) as watcher:
        sidecars.append(_start(testbed, keys, index, servers))
        return (watcher.wait_for_all(WAIT_TIMEOUT) - sidecars[-1].started_at) * 1000


def _start(testbed: Testbed, keys: Keys, index: int, servers: list[str]) -> SidecarProcess:
    file = testbed.file(keys, f"fed-{index}", servers, port=FIRST_PORT + index)
    return testbed.start(keys, file, "--admin", "off")


def _url(index: int) -> str:
    return f"http://localhost:{FIRST_PORT + index}"
