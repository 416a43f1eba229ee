"""``sidecar rollout``: the restarts that follow a change of the list."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import Intent, request_change, request_for_node, request_parser
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.subcommands import Subcommand, run_subcommand
from sidecar.domain.records.requests import RequestKind

DESCRIPTION = """\
A change of the list reaches every file at once; the restarts that follow go
through the network in turns. This shows how far they are, and steers them."""
EPILOG = """\
example:
  sidecar rollout pause --reason "the backup runs" && sidecar rollout status"""

_PAUSE = """\
Pauses the whole rollout: no node is granted a restart any more. Files are kept
in step, who restarts already goes on. (`sidecar pause NODEID` is for one node.)"""
_PAUSE_EXAMPLE = """\
example:
  sidecar rollout pause --reason "the backup runs\""""
_RESUME = """\
Lets a paused rollout go on. One that halted as a node failed goes on by itself
when the node is back; else `skip` the node, `retry` it, or `sidecar rollback`."""
_RESUME_EXAMPLE = """\
example:
  sidecar rollout resume"""
_SKIP = """\
Lets the rollout to the present version go on without a node: it holds nobody up
and is not counted as missing. The next version is for it again."""
_SKIP_EXAMPLE = """\
example:
  sidecar rollout skip fed-3 --reason "its disk is broken\""""
_RETRY = """\
Gives a node another turn: what it failed at, that it was skipped, and how often
it was restarted are forgotten."""
_RETRY_EXAMPLE = """\
example:
  sidecar rollout retry fed-3"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    return run_subcommand("rollout", _SUBCOMMANDS, DESCRIPTION, EPILOG, argv, context)


def _pause(argv: Sequence[str], context: CommandContext) -> int:
    arguments = request_parser("rollout pause", "[OPTION]…", _PAUSE, _PAUSE_EXAMPLE).parse(argv)
    return request_change(Intent(RequestKind.PAUSE, "pause the rollout"), arguments, context)


def _resume(argv: Sequence[str], context: CommandContext) -> int:
    parser = request_parser("rollout resume", "[OPTION]…", _RESUME, _RESUME_EXAMPLE, has_reason=False)
    return request_change(Intent(RequestKind.RESUME, "resume the rollout"), parser.parse(argv), context)


def _skip(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("rollout skip", _SKIP, _SKIP_EXAMPLE, argv, context)


def _retry(argv: Sequence[str], context: CommandContext) -> int:
    return request_for_node("rollout retry", _RETRY, _RETRY_EXAMPLE, argv, context, has_reason=False)


_SUBCOMMANDS = {
    "status": Subcommand(
        "", "show how far it is, whose turn it is, what failed", "sidecar.cli.rollout.status"
    ),
    "pause": Subcommand("", "grant no restart any more", _pause),
    "resume": Subcommand("", "let a paused rollout go on", _resume),
    "skip": Subcommand("NODEID", "go on without a node", _skip),
    "retry": Subcommand("NODEID", "give a node another turn", _retry),
}
