"""``sidecar readmit``: let a removed node join again."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.asking import ask_leader
from sidecar.cli.world import World
from sidecar.domain.membership import RequestKind

DESCRIPTION = """\
Takes a node's tombstone away, so that its sidecar may ask to join again."""
EPILOG = """\
example:
  sidecar readmit fed-3"""


def main(argv: Sequence[str], world: World) -> int:
    return ask_leader(RequestKind.READMIT, DESCRIPTION, EPILOG, argv, world)
