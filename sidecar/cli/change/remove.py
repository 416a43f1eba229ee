"""``sidecar remove``: remove a node from the network."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import request_for_node
from sidecar.cli.shared.context import CommandContext

DESCRIPTION = """\
Removes a server or a database node from the network: the leader drops it from
the list, the other nodes load the new list, and a tombstone keeps it out."""
EPILOG = """\
example:
  sidecar remove fed-3 --reason "moved to another rack\""""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("remove", DESCRIPTION, EPILOG, argv, context)
