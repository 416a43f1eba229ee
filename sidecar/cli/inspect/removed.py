"""``sidecar removed``: nodes that were removed and are locked out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.output import print_json, print_table
from sidecar.cli.shared.parser import Parser, add_network_settings
from sidecar.cli.shared.snapshot import read_snapshot, run_with_store
from sidecar.domain.errors import ExitCode
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.keys import Keys
from sidecar.ports import Store

DESCRIPTION = "Lists removed nodes. They cannot join again until an operator readmits them."
EPILOG = """\
example:
  sidecar removed && sidecar readmit fed-3"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("removed", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_show, context=context, as_json=arguments.json))


async def _show(store: Store, keys: Keys, *, context: CommandContext, as_json: bool) -> int:
    tombstones = sorted(
        (await read_snapshot(store, keys)).network.membership.tombstones, key=lambda tomb: tomb.at
    )
    if as_json:
        print_json(context.out, [to_json(tombstone) for tombstone in tombstones])
    elif not tombstones:
        context.out.write(f"network {keys.network} has no removed nodes\n")
    else:
        rows = [
            (tomb.node_id or "", tomb.url.text if tomb.url else "", tomb.at, tomb.by, tomb.reason)
            for tomb in tombstones
        ]
        print_table(context.out, ("NODE", "URL", "AT", "BY", "REASON"), rows)
    return ExitCode.OK
