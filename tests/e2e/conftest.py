"""The networks that the end-to-end tests run on."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.kit.etcd import EtcdServer
from tests.kit.network import Network
from tests.kit.waiting import wait_until

NETWORK = pytest.StashKey[Network]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what its nodes did."""
    report = yield
    if report.when == "call" and report.failed and NETWORK in item.stash:
        report.sections.append(("the network", item.stash[NETWORK].describe()))
    return report


def _network(etcd_url: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Network]:
    name = re.sub(r"\W+", "-", f"{folder.parent.parent.name}-{folder.name}")[-60:].strip("-_")
    network = Network(etcd_url, folder, name)
    request.node.stash[NETWORK] = network
    try:
        yield network
    finally:
        network.close()
    wait_until(lambda: not network.processes(), "no process is left behind")
    for node in network.nodes:
        assert "Traceback" not in node.log_text(), f"{node.id} was surprised:\n{node.log_text()}"


@pytest.fixture
def network(shared_etcd: EtcdServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Network]:
    """A network of its own name, on an etcd that other tests use as well."""
    yield from _network(shared_etcd.url, tmp_path, request)


@pytest.fixture
def own_network(own_etcd: EtcdServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Network]:
    """A network on an etcd that no other test uses: ``own_etcd``."""
    yield from _network(own_etcd.url, tmp_path, request)
