"""``sidecar readmit``: let a removed node join again."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import request_for_node
from sidecar.cli.shared.context import CommandContext

DESCRIPTION = """\
Deletes the tombstone of a removed node, so that its sidecar may ask to join
again."""
EPILOG = """\
example:
  sidecar readmit fed-3"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("readmit", DESCRIPTION, EPILOG, argv, context)
