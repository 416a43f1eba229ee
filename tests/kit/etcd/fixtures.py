"""Fixtures that start real etcd servers. A missing etcd is a failure, never a skip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.etcd.servers import EtcdCluster, EtcdServer


@pytest.fixture(scope="session")
def shared_etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    """One etcd for all tests of a process that leave it running and keep to keys of their own."""
    yield from _running(EtcdServer(tmp_path_factory.mktemp("shared-etcd")))


@pytest.fixture
def own_etcd(tmp_path: Path) -> Iterator[EtcdServer]:
    """An etcd that this test alone uses, and may stop, freeze and restart."""
    yield from _running(EtcdServer(tmp_path / "etcd"))


@pytest.fixture
def etcd_cluster(tmp_path: Path) -> Iterator[EtcdCluster]:
    """Three etcd servers that are one, for this test alone."""
    cluster = EtcdCluster(tmp_path / "cluster")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _running(server: EtcdServer) -> Iterator[EtcdServer]:
    try:
        server.start()
        yield server
    finally:
        server.kill()
