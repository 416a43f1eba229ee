"""``sidecar rollback``: publish the list of an earlier version again."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from sidecar.cli.change.leader_request import Intent, request_change, request_parser
from sidecar.cli.inspect.diff import require_version
from sidecar.cli.inspect.history import read_with_history
from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.parser import version
from sidecar.cli.shared.snapshot import Snapshot
from sidecar.domain.errors import Refused
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.requests import RequestKind
from sidecar.ports import Store

DESCRIPTION = """\
Publishes the list of an earlier version as a new version. Servers that are not
in it are removed; servers in it that were removed since then are readmitted."""
EPILOG = """\
example:
  sidecar rollback 41 --reason "fed-4 cannot serve yet\""""


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = request_parser("rollback", "VERSION [OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("version", type=version, metavar="VERSION", help=argparse.SUPPRESS)
    arguments = parser.parse(argv)
    return request_change(partial(_build_intent, number=arguments.version), arguments, context)


async def _build_intent(store: Store, keys: Keys, snapshot: Snapshot, *, number: int) -> Intent:
    present = snapshot.network.canonical
    if present and present.version == number:
        raise Refused(f"version {number} is the current one; there is nothing to roll back")
    _, history = await read_with_history(store, keys)
    servers = require_version(history, number).servers
    return Intent(RequestKind.ROLLBACK, f"roll back to version {number}", str(number), servers.urls)
