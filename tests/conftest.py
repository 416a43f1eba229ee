"""What every test shares."""

from __future__ import annotations

import signal

import pytest

from tests.fixtures_etcd import etcd_cluster, own_etcd, shared_etcd

__all__ = ["etcd_cluster", "own_etcd", "shared_etcd"]


def pytest_configure() -> None:
    """Let no program that a test starts inherit an ignored signal: nohup and a script's ``&`` leave some.

    The tests go on ignoring it: a handler of Python's is not inherited, to ignore is.
    """
    for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(signum) is signal.SIG_IGN:
            signal.signal(signum, lambda *_: None)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
