"""Whether it serves, by one probe; and where not, what the platform says to that."""

from __future__ import annotations

import math
from dataclasses import dataclass

import anyio

from sidecar.domain.node.health import Health
from sidecar.ports import Probe

PLATFORM_REASON_TTL = 5.0
"""Seconds that the platform's word is good for."""


@dataclass(slots=True)
class ExplainedProbe:
    """The ``probe`` decides on health; if it fails, the ``platform`` that runs the process explains why.

    A probe sees only that a connection is refused. A person has to know that the image cannot be pulled, or
    that the process ended with exit code 3 and waits for its next start. The platform has ``timeout`` seconds
    to answer, and is asked at most every `MAX_REJECTED` seconds: an unhealthy process is probed every second.
    """

    probe: Probe
    platform: Probe
    timeout: float = 1.0
    _platform_reason: str = ""
    _next_ask_at: float = -math.inf

    async def check(self) -> Health:
        health = await self.probe.check()
        if health.healthy:
            self._platform_reason, self._next_ask_at = "", -math.inf
            return health
        if anyio.current_time() >= self._next_ask_at:
            self._platform_reason = await self._ask_platform()
            self._next_ask_at = anyio.current_time() + PLATFORM_REASON_TTL
        return Health(False, f"{health.reason}; {self._platform_reason}") if self._platform_reason else health

    async def _ask_platform(self) -> str:
        with anyio.move_on_after(self.timeout):
            told = await self.platform.check()
            return "" if told.healthy else told.reason
        return ""
