"""``sidecar resume``: let a paused node take part in rollouts again."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import ask_about_node
from sidecar.cli.shared.context import World

DESCRIPTION = """\
Lets a paused node take part in rollouts again."""
EPILOG = """\
example:
  sidecar resume fed-3"""


def main(argv: Sequence[str], world: World) -> int:
    return ask_about_node("resume", DESCRIPTION, EPILOG, argv, world, keeps_reason=False)
