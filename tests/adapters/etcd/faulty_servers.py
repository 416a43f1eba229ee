"""Servers that are in etcd's place and do not behave: they hang, fail, trickle, and hang up."""

from __future__ import annotations

import http.client
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import anyio
from anyio import to_thread
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came in."""

    path: str
    body: bytes


Answer = Callable[[Call], Awaitable[bytes | None]]
"""The whole HTTP response to a call; None hangs up without one."""


def response(status: str, body: str) -> bytes:
    """An HTTP response."""
    data = body.encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def always(status: str, body: str) -> Answer:
    """The same response to every call."""

    async def answer(_: Call) -> bytes:
        return response(status, body)

    return answer


async def never(_: Call) -> None:
    """No response, ever."""
    await anyio.sleep_forever()


def passing_on(port: int) -> Answer:
    """What the etcd at ``port`` answers."""

    def ask(call: Call) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("POST", call.path, call.body)
            reply = connection.getresponse()
            return response(f"{reply.status} {reply.reason}", reply.read().decode())
        finally:
            connection.close()

    async def answer(call: Call) -> bytes:
        return await to_thread.run_sync(ask, call)

    return answer


@asynccontextmanager
async def serving(answer: Answer, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The URL of a server that gives ``answer``."""
    async with _listening(partial(_converse, answer), host) as url:
        yield url


@asynccontextmanager
async def trickling(interval: float) -> AsyncIterator[str]:
    """The URL of a server whose answer never comes to its end, a byte at a time."""

    async def converse(stream: SocketStream) -> None:
        with suppress(anyio.BrokenResourceError):
            async with stream:
                await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while True:
                    await stream.send(b" ")
                    await anyio.sleep(interval)

    async with _listening(converse, "127.0.0.1") as url:
        yield url


@asynccontextmanager
async def relaying(port: int, host: str) -> AsyncIterator[str]:
    """The URL, at ``host``, of a relay to ``port`` that passes on bytes without a look at them."""

    async def pump(source: SocketStream, target: SocketStream) -> None:
        async for chunk in source:
            await target.send(chunk)

    async def converse(stream: SocketStream) -> None:
        async with stream, await anyio.connect_tcp("127.0.0.1", port) as upstream:
            with suppress(anyio.BrokenResourceError):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(pump, upstream, stream)
                    await pump(stream, upstream)
                    tasks.cancel_scope.cancel()

    async with _listening(converse, host) as url:
        yield url


@contextmanager
def black_hole() -> Iterator[str]:
    """The URL of an address that takes no connection and refuses none, as behind a firewall.

    A listener that never accepts, with its backlog full: Linux then drops what asks for a connection.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for filler in fillers:
                filler.close()


@asynccontextmanager
async def _listening(converse: Callable[[SocketStream], Awaitable[None]], host: str) -> AsyncIterator[str]:
    async with (
        await anyio.create_tcp_listener(local_host=host) as listener,
        anyio.create_task_group() as tasks,
    ):
        port = listener.extra(SocketAttribute.local_port)
        tasks.start_soon(listener.serve, converse)
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        tasks.cancel_scope.cancel()


async def _converse(answer: Answer, stream: SocketStream) -> None:
    broken = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.IncompleteRead, OSError)
    with suppress(*broken):
        async with stream:
            received = BufferedByteReceiveStream(stream)
            while (reply := await answer(await _call(received))) is not None:
                await stream.send(reply)


async def _call(received: BufferedByteReceiveStream) -> Call:
    head = (await received.receive_until(b"\r\n\r\n", 65536)).decode("latin-1")
    lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return Call(lines[0].split()[1], await received.receive_exactly(int(headers["content-length"])))
