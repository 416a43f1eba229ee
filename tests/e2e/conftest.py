"""The networks that the end-to-end tests run on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.etcd.servers import EtcdServer
from tests.kit.network import Network
from tests.kit.reporting import NETWORK, pytest_runtest_makereport
from tests.kit.waiting import wait_until

__all__ = ["pytest_runtest_makereport"]


def _network(etcd_url: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Network]:
    name = re.sub(r"\W+", "-", f"{folder.parent.parent.name}-{folder.name}")[-60:].strip("-_")
    network = Network(etcd_url, folder, name)
    request.node.stash[NETWORK] = network
    try:
        yield network
    finally:
        network.close()
    wait_until(lambda: not network.processes(), "all processes are gone")
    for node in network.nodes:
        assert "Traceback" not in node.log_text(), f"{node.id} logged a traceback:\n{node.log_text()}"


@pytest.fixture
def network(shared_etcd: EtcdServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Network]:
    """A network with a name of its own, on an etcd that other tests use, too."""
    yield from _network(shared_etcd.url, tmp_path, request)


@pytest.fixture
def own_network(own_etcd: EtcdServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Network]:
    """A network on an etcd that no other test uses: ``own_etcd``."""
    yield from _network(own_etcd.url, tmp_path, request)
