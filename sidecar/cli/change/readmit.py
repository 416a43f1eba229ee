"""``sidecar readmit``: let a removed node join again."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import ask_about_node
from sidecar.cli.shared.context import World

DESCRIPTION = """\
Takes a node's tombstone away, so that its sidecar may ask to join again."""
EPILOG = """\
example:
  sidecar readmit fed-3"""


def main(argv: Sequence[str], world: World) -> int:
    return ask_about_node("readmit", DESCRIPTION, EPILOG, argv, world)
