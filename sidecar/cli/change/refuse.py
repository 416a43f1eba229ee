"""``sidecar refuse``: turn away a newcomer that waits for an operator."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import ask_about_node
from sidecar.cli.shared.context import World

DESCRIPTION = """\
Turns away a newcomer that waits for an operator. It is told why, and asks again
when its sidecar starts anew or its file changes."""
EPILOG = """\
example:
  sidecar refuse fed-4 --reason "belongs to the test network\""""


def main(argv: Sequence[str], world: World) -> int:
    return ask_about_node("refuse", DESCRIPTION, EPILOG, argv, world, subject="NODEID")
