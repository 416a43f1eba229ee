"""The last look at everything."""

from __future__ import annotations

from sidecar_demo.acts.act import Act
from sidecar_demo.conditions import hold, started
from sidecar_demo.stage import Stage


def _curtain(stage: Stage) -> None:
    members, who = stage.members, [node.name for node in stage.members]
    stage.screen.files(members)
    stage.checks.expect("every file holds the same list", hold(members, stage.listed), *who)
    stage.checks.expect(
        "each process was started as often as the story says",
        started(members, stage.starts),
        *who,
    )


CURTAIN = Act("Every file, side by side", "What FederatedServers is now, in each of them.", _curtain)
