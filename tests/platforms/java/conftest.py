"""Networks of Java nodes, on a real etcd."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.etcd.servers import EtcdServer
from tests.kit.prerequisites import require
from tests.kit.reporting import NETWORK, pytest_runtest_makereport
from tests.kit.waiting import wait_until
from tests.platforms.java.nodes import JARS, JavaNetwork

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture
def network(shared_etcd: EtcdServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[JavaNetwork]:
    """A network of its own name, whose nodes are JVMs."""
    require(shutil.which("java") is not None, "java on PATH")
    require(all(jar.exists() for jar in JARS.values()), "the example jars; build them with tools/build-java")
    network = JavaNetwork(shared_etcd.url, tmp_path, tmp_path.parent.name + "-" + tmp_path.name[-40:])
    request.node.stash[NETWORK] = network.network
    try:
        yield network
    finally:
        network.close()
    wait_until(lambda: not network.network.processes(), "all processes are gone")
