"""``sidecar resume``: include a paused node in rollouts again."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import request_for_node
from sidecar.cli.shared.context import CommandContext

DESCRIPTION = """\
Includes a paused node in rollouts again."""
EPILOG = """\
example:
  sidecar resume fed-3"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("resume", DESCRIPTION, EPILOG, argv, context, has_reason=False)
