"""``sidecar diff``: what changed between two versions of the list."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from sidecar.cli.inspect.history import look_back
from sidecar.cli.inspect.list_diff import changed, list_diff, print_diff
from sidecar.cli.shared.context import World
from sidecar.cli.shared.output import print_json
from sidecar.cli.shared.parser import Parser, add_settings, version
from sidecar.cli.shared.snapshot import at_work, list_of
from sidecar.domain.errors import ExitCode, UsageError
from sidecar.domain.network.history import History
from sidecar.domain.records.canonical import Canonical
from sidecar.domain.records.keys import Keys
from sidecar.ports import Store

DESCRIPTION = """\
Shows what changed from one version of the list to another (the present one, if
none is given): + a server that came, - one that went, each with its node."""
EPILOG = """\
example:
  sidecar diff 3 4"""


def main(argv: Sequence[str], world: World) -> int:
    parser = Parser("diff", "VERSION [VERSION] [OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("before", type=version, metavar="VERSION", help=argparse.SUPPRESS)
    parser.add_argument("after", type=version, metavar="VERSION", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_settings(parser)
    asked = parser.parse(argv)
    return at_work(asked, world, partial(_show, asked=asked, world=world))


async def _show(store: Store, keys: Keys, *, asked: argparse.Namespace, world: World) -> int:
    sight, history = await look_back(store, keys)
    present = list_of(sight)
    before = kept(history, asked.before)
    after = kept(history, asked.after) if asked.after else present
    if asked.json:
        versions = {"from": before.version, "to": after.version}
        print_json(world.out, versions | changed(before.servers, after.servers, sight.network.node_at))
        return ExitCode.OK
    lines = list(list_diff(before.servers, after.servers, _titles(before, after), sight.network.node_at))
    print_diff(world.out, lines)
    if not lines:
        world.out.write(f"versions {before.version} and {after.version} hold the same list\n")
    return ExitCode.OK


def kept(history: History, wanted: int) -> Canonical:
    """That version. Raises `UsageError`, which says which ones there are."""
    found = history.versions.get(wanted)
    if found is None:
        raise UsageError(f"version {wanted} is not kept; {history.kept} are: see `sidecar history`")
    return found


def _titles(before: Canonical, after: Canonical) -> tuple[str, str]:
    return before.origin, after.origin
