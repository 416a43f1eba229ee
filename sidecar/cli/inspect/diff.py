"""``sidecar diff``: the changes between two versions of the list."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from sidecar.cli.inspect.history import read_with_history
from sidecar.cli.inspect.list_diff import added_and_removed, diff_lines, print_diff
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.output import print_json
from sidecar.cli.shared.parser import Parser, add_network_settings, version
from sidecar.cli.shared.snapshot import require_canonical, run_with_store
from sidecar.domain.errors import ExitCode, UsageError
from sidecar.domain.network.history import History
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.keys import Keys
from sidecar.ports import Store

DESCRIPTION = """\
Shows the changes from one version of the list to another (default: the current
one): + for an added server, - for a removed one, each with its node."""
EPILOG = """\
example:
  sidecar diff 3 4"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("diff", "VERSION [VERSION] [OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("before", type=version, metavar="VERSION", help=argparse.SUPPRESS)
    parser.add_argument("after", type=version, metavar="VERSION", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_show, arguments=arguments, context=context))


async def _show(store: Store, keys: Keys, *, arguments: argparse.Namespace, context: CommandContext) -> int:
    snapshot, history = await read_with_history(store, keys)
    present = require_canonical(snapshot)
    before = require_version(history, arguments.before)
    after = require_version(history, arguments.after) if arguments.after else present
    if arguments.json:
        versions = {"from_version": before.version, "to_version": after.version}
        print_json(
            context.out, versions | added_and_removed(before.servers, after.servers, snapshot.network.node_at)
        )
        return ExitCode.OK
    lines = list(diff_lines(before.servers, after.servers, _titles(before, after), snapshot.network.node_at))
    print_diff(context.out, lines)
    if not lines:
        context.out.write(f"versions {before.version} and {after.version} have the same list\n")
    return ExitCode.OK


def require_version(history: History, wanted: int) -> Canonical:
    """That version. Raises `UsageError`, which lists the versions that are kept."""
    found = history.versions.get(wanted)
    if found is None:
        kept = history.version_ranges
        versions = f"versions {kept}" if len(history.versions) > 1 else f"version {kept} only"
        raise UsageError(f"version {wanted} is not kept; the history has {versions}: see `sidecar history`")
    return found


def _titles(before: Canonical, after: Canonical) -> tuple[str, str]:
    return before.origin, after.origin
