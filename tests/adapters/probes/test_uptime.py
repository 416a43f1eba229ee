"""The probe that asks how long the process has run."""

from __future__ import annotations

import pytest

from sidecar.adapters.probes.uptime import UptimeProbe
from sidecar.domain.node.health import Health
from sidecar.domain.node.process import Exited, NoProcess, NotLaunched, ProcessState, Running
from sidecar.domain.servers import ServerList

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("state", "now", "health"),
    [
        (NotLaunched(), 5.0, Health(False, "the process does not run")),
        (Exited(1, 6.0, 1), 5.0, Health(False, "the process does not run")),
        (NoProcess(), 5.0, Health(True, "there is no process to manage")),
        (Running(7, 4.0, ServerList(())), 5.5, Health(False, "running for 1.5 s; healthy after 2 s")),
        (Running(7, 4.0, ServerList(())), 6.0, Health(True, "running for at least 2 s")),
    ],
)
async def test_a_process_that_ran_for_two_seconds_is_healthy(
    state: ProcessState, now: float, health: Health
) -> None:
    assert await UptimeProbe(lambda: state, clock=lambda: now).check() == health
