"""The floor of propagation: ``python -m bench.reader URL KEY``, a bare aiohttp reader of a watch stream.

It says on stdout that it listens, and from then on the time of each chunk it reads, and does nothing else.
Each line is one write of a few bytes, so that many readers can share a pipe.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from base64 import b64encode

import aiohttp


async def main(url: str, key: str) -> None:
    body = json.dumps({"create_request": {"key": b64encode(key.encode()).decode()}})
    timeout = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(f"{url}/v3/watch", data=body) as stream,
    ):
        async for _ in stream.content.iter_any():
            os.write(1, b"%d\n" % time.monotonic_ns())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
