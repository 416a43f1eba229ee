"""What every test shares."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.etcd.fixtures import etcd_cluster, own_etcd, shared_etcd
from tests.kit.ports import PortPool

PLATFORMS = Path(__file__).with_name("platforms")

__all__ = ["etcd_cluster", "own_etcd", "shared_etcd"]


def pytest_configure() -> None:
    """Let no program that a test starts inherit an ignored signal: nohup and a script's ``&`` leave some.

    The tests still ignore it: a program inherits ignored signals, but not Python's handlers.
    """
    for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(signum) is signal.SIG_IGN:
            signal.signal(signum, lambda *_: None)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what needs a platform (an engine, pods, systemd), where it is not asked for by its path."""
    if collection_path == PLATFORMS and not any("platforms" in Path(arg).parts for arg in config.args):
        return True
    return None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def free_port() -> Iterator[int]:
    """A free port."""
    ports = PortPool()
    yield ports.take()
    ports.close()
