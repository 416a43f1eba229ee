"""The answer at the URL of a newcomer is not trusted: whatever it is, the leader continues."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from sidecar.adapters.probes.newcomer import probe_newcomer
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.servers import ServerUrl


async def _asked(*parts: bytes) -> str:
    """What is said of a server that answers with ``parts``, each sent once the one before has arrived."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for part in (*parts, b""):
                writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = ServerUrl.parse(f"http://127.0.0.1:{port}")
        return await probe_newcomer(url, "fed-4", AdmissionProbe.IDENTITY)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ((b'{"NodeID": "fed-4"}',), ""),
        ((b'{"NodeID":', b' "fed-4"}'), ""),
        ((b"[" * 65_000,), "not with a JSON object"),
        ((b'{"NodeID": "\\ud800"}',), r"answers as '\ud800', not as fed-4"),
    ],
    ids=["itself", "in-pieces", "nested", "half-a-character"],
)
def test_every_answer_is_handled(parts: tuple[bytes, ...], why: str) -> None:
    said = asyncio.run(_asked(*parts))
    assert why in said
    assert bool(said) == bool(why)
    said.encode()  # as etcd would hold it


def test_a_host_that_no_name_server_could_know_is_an_objection() -> None:
    url = ServerUrl.parse("http://a..b:80")
    assert "nothing answers" in asyncio.run(probe_newcomer(url, "fed-4", AdmissionProbe.IDENTITY))
