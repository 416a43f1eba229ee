"""Whether it serves, by one probe; and where not, what the platform says to that."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from sidecar.domain.health import Health
from sidecar.ports import Probe


@dataclass(frozen=True, slots=True)
class ExplainedProbe:
    """Healthy is what the ``probe`` says is; the ``platform`` that runs the process is asked where it is not.

    That a connection is refused is what everybody sees. That the image cannot be pulled, or that it ended
    with exit code 3 and waits for its next start, is what a person has to know. The platform is given
    ``timeout`` seconds: its word is worth a short wait, no more.
    """

    probe: Probe
    platform: Probe
    timeout: float = 1.0

    async def check(self) -> Health:
        health = await self.probe.check()
        if health.healthy:
            return health
        with anyio.move_on_after(self.timeout):
            told = await self.platform.check()
            if not told.healthy:
                return Health(False, f"{health.reason}; {told.reason}")
        return health
