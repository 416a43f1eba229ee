"""Join: from the exec of a newcomer's sidecar to the last file of the network that names it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.arrivals import Arrivals
from bench.figures import Figure, Samples
from bench.ground import PATIENCE, Ground, Sidecar, end, wait_until
from bench.startup import imports
from sidecar.domain.records.keys import Keys

FOUNDERS, FIRST_PORT = 3, 9000


def measure(ground: Ground) -> Iterator[Figure]:
    keys, sidecars, found, floor = ground.network(), list[Sidecar](), list[float](), list[float]()
    servers = [_url(index) for index in range(FOUNDERS)]
    try:
        for index in range(FOUNDERS):
            sidecars.append(_start(ground, keys, index, servers))
        wait_until(lambda: any(sidecar.logged("leading") for sidecar in sidecars), "one leads")
        for index in range(FOUNDERS, FOUNDERS + ground.tries(7, 2)):
            time.sleep(2.0)  # the imports behind the last one's start are done
            floor.append(imports())
            found.append(_join(ground, keys, index, sidecars))
    finally:
        end(sidecars)
    yield Figure(
        f"join, start to the last of {FOUNDERS + 1} to {len(sidecars)} files",
        "ms",
        Samples.of(found),
        Samples.of(floor),
    )


def _join(ground: Ground, keys: Keys, index: int, sidecars: list[Sidecar]) -> float:
    """Let one more in, which knows one of the others; how many milliseconds that took."""
    servers = [_url(0), _url(index)]
    file = ground.file(keys, f"fed-{index}", servers, port=FIRST_PORT + index)
    with Arrivals([*(sidecar.file for sidecar in sidecars), file]) as arrivals:
        sidecars.append(_start(ground, keys, index, servers))
        return (arrivals.last(PATIENCE) - sidecars[-1].started) * 1000


def _start(ground: Ground, keys: Keys, index: int, servers: list[str]) -> Sidecar:
    file = ground.file(keys, f"fed-{index}", servers, port=FIRST_PORT + index)
    return ground.start(keys, file, "--admin", "off")


def _url(index: int) -> str:
    return f"http://localhost:{FIRST_PORT + index}"
