"""The probe that sends an HTTP request."""

from __future__ import annotations

import ssl
from pathlib import Path

import anyio
import pytest
from anyio.abc import ByteStream
from anyio.streams.tls import TLSListener

from sidecar.adapters.probes.http import HttpProbe
from sidecar.domain.node.health import Health
from tests.adapters.probes.peers import hanging_up, saying, self_signed, server, silent

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("status", "healthy"),
    [(200, True), (204, True), (302, True), (399, True), (404, False), (500, False), (199, False)],
)
async def test_2xx_and_3xx_are_healthy(status: int, healthy: bool) -> None:
    async with server(saying(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % status)) as port:
        url = f"http://127.0.0.1:{port}/health"
        assert await HttpProbe(url).check() == Health(healthy, f"{url} answers {status}")


async def test_the_request_is_one_that_any_server_understands() -> None:
    asked: list[bytes] = []

    async def answer(stream: ByteStream) -> None:
        async with stream:
            asked.append(await stream.receive())
            await stream.send(b"HTTP/1.0 200\r\n\r\n")

    async with server(answer) as port:
        assert (await HttpProbe(f"http://127.0.0.1:{port}/a/b?c=d").check()).healthy
        assert (await HttpProbe(f"http://127.0.0.1:{port}?c=d").check()).healthy
    assert asked[0].startswith(b"GET /a/b?c=d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port)
    assert asked[0].endswith(b"Connection: close\r\n\r\n")
    assert asked[1].startswith(b"GET /?c=d HTTP/1.1\r\n")


async def test_an_answer_in_pieces_is_read_whole() -> None:
    async def answer(stream: ByteStream) -> None:
        async with stream:
            for piece in (b"HT", b"TP/1.1 2", b"0", b"0 OK\r", b"\n"):
                await stream.send(piece)

    async with server(answer) as port:
        assert (await HttpProbe(f"http://127.0.0.1:{port}/").check()).healthy


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n", "answers, but not with HTTP"),
        (b"HTTP/1.1 two hundred\r\n", "answers, but not with HTTP"),
        (b"x" * 10_000, "answers, but not with HTTP"),
        (b"HTTP/1.1 200", "closed the connection without an answer"),
    ],
)
async def test_what_is_not_http_is_not_healthy(text: bytes, reason: str) -> None:
    async with server(saying(text)) as port:
        health = await HttpProbe(f"http://127.0.0.1:{port}/").check()
    assert not health.healthy
    assert reason in health.reason


async def test_a_server_that_hangs_up_is_not_healthy() -> None:
    async with server(hanging_up) as port:
        health = await HttpProbe(f"http://127.0.0.1:{port}/").check()
    assert not health.healthy
    assert "closed the connection without an answer" in health.reason


async def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    async with server(silent) as port:
        url = f"http://127.0.0.1:{port}/"
        health = await HttpProbe(url, timeout=0.1).check()
    assert health == Health(False, f"{url} does not answer within 0.1 s")


async def test_a_url_without_a_listener_is_not_healthy(free_port: int) -> None:
    url = f"http://localhost:{free_port}/"
    health = await HttpProbe(url).check()
    assert health == Health(False, f"{url}: Connection refused")


async def test_https_is_asked_without_trusting_the_certificate(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    secure = TLSListener(listener, context, standard_compatible=False)
    async with secure, anyio.create_task_group() as group:
        group.start_soon(secure.serve, saying(b"HTTP/1.1 200 OK\r\n\r\n"))
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        for host in ("127.0.0.1", "localhost"):
            assert (await HttpProbe(f"https://{host}:{port}/").check()).healthy
        group.cancel_scope.cancel()


async def test_https_to_a_server_without_it_is_not_healthy() -> None:
    async with server(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        health = await HttpProbe(f"https://127.0.0.1:{port}/").check()
    assert not health.healthy
