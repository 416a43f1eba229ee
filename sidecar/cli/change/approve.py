"""``sidecar approve``: admit a server that waits for approval."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import request_for_node
from sidecar.cli.shared.context import CommandContext

DESCRIPTION = """\
Admits a server that waits for approval (policy admission=manual): the leader
adds it to the list. `sidecar pending` lists the servers that wait."""
EPILOG = """\
example:
  sidecar approve fed-4 --reason "is in rack 7\""""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("approve", DESCRIPTION, EPILOG, argv, context, subject="NODEID")
