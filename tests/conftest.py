"""What every test shares."""

from __future__ import annotations

import pytest

from tests.fixtures_etcd import etcd_cluster, own_etcd, shared_etcd

__all__ = ["etcd_cluster", "own_etcd", "shared_etcd"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
