"""``sidecar refuse``: turn away a newcomer that waits for an operator."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import request_for_node
from sidecar.cli.shared.context import CommandContext

DESCRIPTION = """\
Turns away a newcomer that waits for an operator. It is told why, and asks again
when its sidecar starts anew or its file changes."""
EPILOG = """\
example:
  sidecar refuse fed-4 --reason "belongs to the test network\""""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("refuse", DESCRIPTION, EPILOG, argv, context, subject="NODEID")
