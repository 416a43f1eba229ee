"""A failed probe, explained by the platform."""

from __future__ import annotations

import pytest

from sidecar.adapters.probes.explained import ExplainedProbe
from sidecar.domain.node.health import Health
from tests.adapters.probes.peers import ScriptedProbe

pytestmark = pytest.mark.anyio

REFUSED, WELL = Health(False, "Connection refused"), Health(True, "answers 200")


@pytest.mark.parametrize(
    ("found", "platform", "reported"),
    [
        (REFUSED, Health(False, "it waits: no image"), "Connection refused; it waits: no image"),
        (REFUSED, Health(True, "container fed-1 runs"), "Connection refused"),
        (REFUSED, None, "Connection refused"),
    ],
    ids=["the platform knows why", "it knows of nothing", "it does not answer"],
)
async def test_what_the_platform_says_explains_a_failure(
    found: Health, platform: Health | None, reported: str
) -> None:
    assert await ExplainedProbe(ScriptedProbe(found), ScriptedProbe(platform), timeout=0.1).check() == Health(
        False, reported
    )


async def test_what_answers_is_healthy_and_the_platform_is_not_asked() -> None:
    assert await ExplainedProbe(ScriptedProbe(WELL), ScriptedProbe(None), timeout=1e9).check() == WELL


async def test_the_platforms_word_is_good_for_a_while() -> None:
    class Counted(ScriptedProbe):
        asked = 0

        async def check(self) -> Health:
            self.asked += 1
            return await super().check()

    found, platform = ScriptedProbe(REFUSED), Counted(Health(False, "no image"))
    probe = ExplainedProbe(found, platform)
    for _ in range(3):
        assert (await probe.check()).reason == "Connection refused; no image"
    assert platform.asked == 1
    found.health = WELL
    assert await probe.check() == WELL
    found.health, platform.health = REFUSED, Health(False, "exit code 3")
    # What was said before it was healthy is of another failure.
    assert (await probe.check()).reason == "Connection refused; exit code 3"
