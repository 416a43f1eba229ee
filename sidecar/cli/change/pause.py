"""``sidecar pause``: exclude a node from rollouts."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import request_for_node
from sidecar.cli.shared.context import CommandContext

DESCRIPTION = """\
Excludes a node from rollouts until `sidecar resume`: its file is kept in sync,
its process is not restarted. (To pause all nodes: `sidecar rollout pause`.)"""
EPILOG = """\
example:
  sidecar pause fed-3 --reason "its disk is being replaced\""""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("pause", DESCRIPTION, EPILOG, argv, context)
