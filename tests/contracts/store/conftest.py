"""Every contract test runs once in memory and once on a real etcd."""

from __future__ import annotations

import pytest

from tests.contracts.store.backends import EtcdBackend, MemoryBackend, StoreBackend


@pytest.fixture(params=["memory", "etcd"])
def backend(request: pytest.FixtureRequest) -> StoreBackend:
    """A store's server side that other tests use, too."""
    if request.param == "memory":
        return MemoryBackend()
    return EtcdBackend(request.getfixturevalue("shared_etcd"))


@pytest.fixture(params=["memory", "etcd"])
def own_backend(request: pytest.FixtureRequest) -> StoreBackend:
    """A store's server side that this test may stop."""
    if request.param == "memory":
        return MemoryBackend()
    return EtcdBackend(request.getfixturevalue("own_etcd"))
