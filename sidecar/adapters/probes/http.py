"""The probe ``http:``: the process is healthy if it answers a GET with 2xx or 3xx."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream

from sidecar.adapters.probes.tcp import candidate_hosts, describe_os_error
from sidecar.domain.node.health import Health

# A status line is about 20 bytes; more without an end of line is not HTTP.
_MAX_STATUS_LINE_BYTES = 4096
_HEALTHY_STATUSES = range(200, 400)  # an answer, or where to find it


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """Asks for ``url`` on a fresh connection, and reads no more of the answer than its status.

    One request by hand, not a client: there is no session to keep, to close, or to pay for in
    memory. The certificate of an ``https`` URL is not verified, as kubelet does not either: the
    process next to the sidecar is only asked whether it is alive, and its certificate often
    has another name.
    """

    url: str
    timeout: float = 2.0

    async def check(self) -> Health:
        try:
            with anyio.fail_after(self.timeout):
                status = await self._status()
        except TimeoutError:
            return Health(False, f"{self.url} does not answer within {self.timeout:g} s")
        except (OSError, ValueError, anyio.EndOfStream, anyio.BrokenResourceError) as exc:
            return Health(False, f"{self.url}: {_describe_error(exc)}")
        if status is None:
            return Health(False, f"{self.url} answers, but not with HTTP")
        return Health(status in _HEALTHY_STATUSES, f"{self.url} answers {status}")

    async def _status(self) -> int | None:
        parts = urlsplit(self.url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = (
            f"GET {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
            "User-Agent: federation-sidecar\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        )
        async with await _connect(host, port, secure) as stream:
            await stream.send(request.encode())
            return await _read_status(stream)


async def _connect(host: str, port: int, secure: bool) -> ByteStream:
    *others, last = candidate_hosts(host)
    for other in others:
        try:
            return await _connect_one(other, port, host if secure else None)
        except OSError:
            continue
    return await _connect_one(last, port, host if secure else None)


async def _connect_one(address: str, port: int, tls_name: str | None) -> ByteStream:
    if tls_name is None:
        return await anyio.connect_tcp(address, port)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return await anyio.connect_tcp(
        address, port, ssl_context=context, tls_hostname=tls_name, tls_standard_compatible=False
    )


async def _read_status(stream: ByteStream) -> int | None:
    received = b""
    while b"\n" not in received and len(received) < _MAX_STATUS_LINE_BYTES:
        received += await stream.receive()
    version, _, rest = received.partition(b" ")
    code = rest[:3]
    return int(code) if version.startswith(b"HTTP/1.") and code.isdigit() else None


def _describe_error(exc: Exception) -> str:
    cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
    return describe_os_error(cause) if str(cause) else "closed the connection without an answer"
