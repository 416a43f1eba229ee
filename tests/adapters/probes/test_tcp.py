"""The probe that connects over TCP."""

from __future__ import annotations

import gc
import socket
import time

import pytest

from sidecar.adapters.probes.http import HttpProbe
from sidecar.adapters.probes.tcp import TcpProbe
from sidecar.domain.node.health import Health
from tests.adapters.probes.peers import saying, server, silent

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_process_that_accepts_a_connection_is_healthy(host: str) -> None:
    async with server(silent, host) as port:
        health = await TcpProbe(host, port).check()
    shown = f"[{host}]" if ":" in host else host
    assert health == Health(True, f"tcp://{shown}:{port} accepts connections")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_localhost_is_both_of_its_addresses(host: str) -> None:
    async with server(silent, host) as port:
        assert (await TcpProbe("localhost", port).check()).healthy
    async with server(saying(b"HTTP/1.1 200 OK\r\n\r\n"), host) as port:
        assert (await HttpProbe(f"http://localhost:{port}/").check()).healthy


async def test_a_port_without_a_listener_is_not_healthy(free_port: int) -> None:
    health = await TcpProbe("localhost", free_port).check()
    assert health == Health(False, f"tcp://localhost:{free_port}: Connection refused")


async def test_a_connect_that_hangs_ends_in_time(deaf: int) -> None:
    health = await TcpProbe("127.0.0.1", deaf, timeout=0.1).check()
    assert health == Health(False, f"tcp://127.0.0.1:{deaf} does not answer within 0.1 s")


@pytest.mark.parametrize("name", ["no-such-host.invalid", "x" * 70, "a..b", "\ud800"])
async def test_a_name_that_does_not_resolve_is_not_healthy(name: str) -> None:
    for probe in (TcpProbe(name, 80, 5), HttpProbe(f"http://{name}/", 5)):
        health = await probe.check()
        assert not health.healthy
        assert name in health.reason


async def test_a_name_is_resolved() -> None:
    async with server(silent) as port:
        # No address to inet_pton(3), so the resolver is asked.
        assert (await TcpProbe("127.1", port).check()).healthy


async def test_a_tcp_check_costs_next_to_nothing() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        probe = TcpProbe("127.0.0.1", listener.getsockname()[1])
        gc.disable()  # a collection of what other tests left is not a probe's doing
        try:
            started = time.thread_time()
            for _ in range(50):
                assert (await probe.check()).healthy
            # Half a millisecond each is the promise; a slow machine gets four times that.
            assert (time.thread_time() - started) / 50 < 0.002
        finally:
            gc.enable()
