"""Every contract test runs once in memory and once on a real etcd."""

from __future__ import annotations

import pytest

from tests.contracts.stores import EtcdWorld, MemoryWorld, StoreWorld


@pytest.fixture(params=["memory", "etcd"])
def world(request: pytest.FixtureRequest) -> StoreWorld:
    """A store's server side that other tests use, too."""
    if request.param == "memory":
        return MemoryWorld()
    return EtcdWorld(request.getfixturevalue("shared_etcd"))


@pytest.fixture(params=["memory", "etcd"])
def own_world(request: pytest.FixtureRequest) -> StoreWorld:
    """A store's server side that this test may stop."""
    if request.param == "memory":
        return MemoryWorld()
    return EtcdWorld(request.getfixturevalue("own_etcd"))
