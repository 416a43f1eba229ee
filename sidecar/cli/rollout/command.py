"""``sidecar rollout``: the restarts that follow a change of the list."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.cli.change.leader_request import Intent, request_change, request_for_node, request_parser
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.subcommands import Subcommand, run_subcommand
from sidecar.domain.records.requests import RequestKind

DESCRIPTION = """\
Shows and controls the rollout: a change of the list reaches every file
immediately; then nodes are restarted one group after the other."""
EPILOG = """\
example:
  sidecar rollout pause --reason "the backup runs" && sidecar rollout status"""

_PAUSE = """\
Pauses the whole rollout: no more restarts are granted. Files are kept in sync,
and restarts under way continue. (`sidecar pause NODEID` pauses one node.)"""
_PAUSE_EXAMPLE = """\
example:
  sidecar rollout pause --reason "the backup runs\""""
_RESUME = """\
Resumes a paused rollout. A halted rollout continues when the failed node is
healthy; if it stays down, use `skip`, `retry` or `sidecar rollback`."""
_RESUME_EXAMPLE = """\
example:
  sidecar rollout resume"""
_SKIP = """\
Continues the rollout of the current version without a node: it blocks no other
node and does not count as unavailable. The next version includes it again."""
_SKIP_EXAMPLE = """\
example:
  sidecar rollout skip fed-3 --reason "its disk is broken\""""
_RETRY = """\
Lets a node restart again: its failures, its restarts so far, and that it was
skipped no longer count."""
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
    "status": Subcommand("", "show progress, granted restarts and failures", "sidecar.cli.rollout.status"),
    "pause": Subcommand("", "grant no more restarts", _pause),
    "resume": Subcommand("", "resume a paused rollout", _resume),
    "skip": Subcommand("NODEID", "continue without a node", _skip),
    "retry": Subcommand("NODEID", "let a node restart again", _retry),
}
