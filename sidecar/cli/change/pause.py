"""``sidecar pause``: keep a node out of rollouts."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import request_for_node
from sidecar.cli.shared.context import CommandContext

DESCRIPTION = """\
Keeps a node out of rollouts until `sidecar resume`: its file stays in step, its
process is not restarted. (`sidecar rollout pause` stops the whole rollout.)"""
EPILOG = """\
example:
  sidecar pause fed-3 --reason "its disk is being replaced\""""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("pause", DESCRIPTION, EPILOG, argv, context)
