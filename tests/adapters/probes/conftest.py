"""Both event loops, and a port that accepts no connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that accepts nothing: its backlog is full, so a connect hangs."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        first.connect(("127.0.0.1", port))
        yield port
