"""What answers a probe: servers that behave in one way, and a platform with one answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from anyio.abc import ByteStream
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sidecar.domain.node.health import Health


@asynccontextmanager
async def server(
    answer: Callable[[ByteStream], Awaitable[None]], host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """Serve ``answer`` on a free port."""
    async with (
        await anyio.create_tcp_listener(local_host=host) as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, answer)
        yield int(listener.extra(anyio.abc.SocketAttribute.local_port))
        group.cancel_scope.cancel()


def saying(text: bytes) -> Callable[[ByteStream], Awaitable[None]]:
    async def answer(stream: ByteStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(text)

    return answer


async def hanging_up(stream: ByteStream) -> None:
    async with stream:
        await stream.receive()


async def silent(stream: ByteStream) -> None:
    async with stream:
        await anyio.sleep_forever()


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


class ScriptedProbe:
    """A probe that says ``health``, or, with None, nothing for ever."""

    def __init__(self, health: Health | None) -> None:
        self.health = health

    async def check(self) -> Health:
        if self.health is None:
            await anyio.sleep_forever()
            raise AssertionError("it said nothing for ever")
        return self.health
