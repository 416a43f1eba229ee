"""A probe of a newcomer's URL, before the leader admits it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio

from sidecar.adapters.probes.tcp import TcpProbe
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.servers import ServerUrl

if TYPE_CHECKING:
    from aiohttp import StreamReader

ANSWER_TIMEOUT = 3.0
"""Seconds that a newcomer's URL may take to answer."""

MAX_ANSWER_BYTES = 65_536
"""Bytes of an answer that are looked at."""


async def probe_newcomer(url: ServerUrl, node_id: str, kind: AdmissionProbe) -> str:
    """Why the server at ``url`` is not admitted; ``""`` if it answers, and with its NodeID if asked."""
    if kind is AdmissionProbe.IDENTITY:
        return await _identity_objection(url, node_id)
    health = await TcpProbe(url.host, url.port, ANSWER_TIMEOUT).check()
    return "" if health.healthy else f"nothing answers at {url}: {health.reason}"


async def _identity_objection(url: ServerUrl, node_id: str) -> str:
    import aiohttp  # noqa: PLC0415 - 0.2 s, for the few networks that ask

    try:
        with anyio.fail_after(ANSWER_TIMEOUT):
            async with (
                aiohttp.ClientSession() as session,
                session.get(url.text, allow_redirects=False, ssl=False) as response,
            ):
                body = await _read_beginning(response.content)
    except TimeoutError:
        return f"{url} does not answer within {ANSWER_TIMEOUT:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as exc:  # a ValueError: no host can be called that
        return f"nothing answers at {url}: {str(exc) or type(exc).__name__}"
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):  # an unknown server may answer anything
        said = None
    name = said.get("NodeID") if isinstance(said, dict) else None
    if name is None:
        return f"{url} answers, but not with a JSON object that names its NodeID"
    # Escaped: what etcd could not hold must not get into a reason.
    return "" if name == node_id else f"{url} answers as {ascii(name)[:80]}, not as {node_id}"


async def _read_beginning(body: StreamReader) -> bytes:
    """At most `MAX_ANSWER_BYTES` bytes; one read returns what has come so far, perhaps half an answer."""
    got = b""
    while len(got) < MAX_ANSWER_BYTES and (chunk := await body.read(MAX_ANSWER_BYTES - len(got))):
        got += chunk
    return got
