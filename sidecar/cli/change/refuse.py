"""``sidecar refuse``: refuse a server that waits for approval."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import request_for_node
from sidecar.cli.shared.context import CommandContext

DESCRIPTION = """\
Refuses a server that waits for approval. Its sidecar reports the reason, and
asks again when it is restarted or its file changes."""
EPILOG = """\
example:
  sidecar refuse fed-4 --reason "belongs to the test network\""""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("refuse", DESCRIPTION, EPILOG, argv, context, subject="NODEID")
