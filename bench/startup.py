"""Start-up: from the exec of ``sidecar run``, in step, to the exec of the process next to it.

The floor is what the issue of this target names: a Python that imports the libraries and ends. Both take
turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.figures import Figure, Samples
from bench.testbed import WAIT_TIMEOUT, Testbed, stop_all, subprocess_environ
from sidecar.domain.records.keys import Keys

FLOOR_CODE = "import aiohttp, etcd3gw, jsonschema, anyio"
MAX_RATIO = 1.25
SERVERS = ["http://localhost:9000", "http://localhost:9001"]
CHILD = ("/bin/sh", "-c", "echo; exec sleep 3600")
"""Writes to the pipe that is the stdout of the sidecar, and keeps running."""


def measure(testbed: Testbed) -> Iterator[Figure]:
    keys = testbed.network()
    testbed.publish(keys, 1, SERVERS)
    _start(
        testbed, keys
    )  # leaves the bytecode, and a last-known-good list, as every start but the first finds them
    imports()
    tries = [(_start(testbed, keys), imports()) for _ in range(testbed.tries(21, 5))]
    found, floor = (Samples.of(column) for column in zip(*tries, strict=True))
    yield Figure("start-up, in step, to the process's exec", "ms", found, floor, factor=MAX_RATIO)


def _start(testbed: Testbed, keys: Keys) -> float:
    file = testbed.file(keys, "fed-1", SERVERS, port=9000)
    read, write = os.pipe()
    sidecar = testbed.start(keys, file, "--admin", "off", command=CHILD, stdout=write)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        said.readline()
        found = time.monotonic() - sidecar.started_at
        stop_all([sidecar])
    return found * 1000


def imports() -> float:
    """Milliseconds that the floor takes."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", FLOOR_CODE], env=subprocess_environ(), check=True, timeout=WAIT_TIMEOUT
    )
    return (time.monotonic() - began) * 1000
