"""``sidecar rollback``: go back to the list of an earlier version."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from sidecar.cli.change.leader_request import Wish, ask, asking_parser
from sidecar.cli.inspect.diff import kept
from sidecar.cli.inspect.history import look_back
from sidecar.cli.shared.context import World
from sidecar.cli.shared.parser import version
from sidecar.cli.shared.snapshot import Sight
from sidecar.domain.errors import Refused
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import RequestKind
from sidecar.ports import Store

DESCRIPTION = """\
Publishes the list of an earlier version as a new one. Servers that are not in
it are removed; those in it that were removed since are back."""
EPILOG = """\
example:
  sidecar rollback 41 --reason "fed-4 cannot serve yet\""""


def main(argv: Sequence[str], world: World) -> int:
    parser = asking_parser("rollback", "VERSION [OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("version", type=version, metavar="VERSION", help=argparse.SUPPRESS)
    asked = parser.parse(argv)
    return ask(partial(_wish, number=asked.version), asked, world)


async def _wish(store: Store, keys: Keys, sight: Sight, *, number: int) -> Wish:
    present = sight.network.canonical
    if present and present.version == number:
        raise Refused(f"version {number} is the present one; there is nothing to roll back")
    _, history = await look_back(store, keys)
    servers = kept(history, number).servers
    return Wish(RequestKind.ROLLBACK, f"roll back to version {number}", str(number), servers.urls)
