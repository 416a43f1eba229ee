"""``sidecar approve``: let in a newcomer that waits for an operator."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import request_for_node
from sidecar.cli.shared.context import CommandContext

DESCRIPTION = """\
Lets in a newcomer that waits for it (policy admission=manual): the leader puts
it into the list. `sidecar pending` shows who waits."""
EPILOG = """\
example:
  sidecar approve fed-4 --reason "stands in rack 7\""""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("approve", DESCRIPTION, EPILOG, argv, context, subject="NODEID")
