"""The smallest network that has everything: a server that leads and a database node, each with a process."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench.testbed import SidecarProcess, Testbed, free_address, stop_all, wait_until
from sidecar_demo import node_app
from sidecar_demo.embedded_etcd import free_port


@contextmanager
def leader_and_database(testbed: Testbed) -> Iterator[tuple[SidecarProcess, SidecarProcess]]:
    """The two, in step, healthy, and asked for their status once."""
    keys, port = testbed.network(), free_port()
    servers = [f"http://127.0.0.1:{port}"]
    started: list[SidecarProcess] = []

    def start(name: str, port: int | None, *command: str) -> SidecarProcess:
        file = testbed.file(keys, name, servers, port=port)
        admin = free_address()
        sidecar = testbed.start(
            keys, file, "--admin", admin, command=[part.format(file=file) for part in command]
        )
        started.append(sidecar)
        wait_until(lambda: sidecar.logged("running"), f"{name} runs")
        wait_until(lambda: _answers(f"http://{admin}/readyz"), f"{name} is ready")
        return sidecar

    try:
        leader = start("fed-1", port, sys.executable, "-S", "-E", node_app.__file__, "{file}")
        yield leader, start("db-1", None, "sleep", "3600")
    finally:
        stop_all(started)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
