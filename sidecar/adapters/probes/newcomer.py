"""A look at a newcomer's URL, before the leader lets it in."""

from __future__ import annotations

import json

import anyio

from sidecar.adapters.probes.tcp import TcpProbe
from sidecar.domain.policy import AdmissionProbe
from sidecar.domain.servers import ServerUrl

TIMEOUT = 3.0
"""Seconds that a newcomer's URL may take to answer."""

LARGEST = 65_536
"""Bytes of an answer that are looked at."""


async def ask_newcomer(url: ServerUrl, node_id: str, kind: AdmissionProbe) -> str:
    """What speaks against the server at ``url``; ``""`` where it answers, and with its NodeID if asked."""
    if kind is AdmissionProbe.IDENTITY:
        return await _identity_objection(url, node_id)
    health = await TcpProbe(url.host, url.port, TIMEOUT).check()
    return "" if health.healthy else f"nothing answers at {url}: {health.reason}"


async def _identity_objection(url: ServerUrl, node_id: str) -> str:
    import aiohttp  # noqa: PLC0415 - 0.2 s, for the few networks that ask

    try:
        with anyio.fail_after(TIMEOUT):
            async with (
                aiohttp.ClientSession() as session,
                session.get(url.text, allow_redirects=False, ssl=False) as response,
            ):
                body = await response.content.read(LARGEST)
    except TimeoutError:
        return f"{url} does not answer within {TIMEOUT:g} s"
    except (aiohttp.ClientError, OSError) as exc:
        return f"nothing answers at {url}: {str(exc) or type(exc).__name__}"
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    name = said.get("NodeID") if isinstance(said, dict) else None
    if name is None:
        return f"{url} answers, but not with a JSON object that names its NodeID"
    return "" if name == node_id else f"{url} answers as {name}, not as {node_id}"
