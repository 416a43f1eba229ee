"""``sidecar removed``: what was taken out of the network and is kept out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sidecar.cli.shared.context import World
from sidecar.cli.shared.output import print_json, print_table
from sidecar.cli.shared.parser import Parser, add_settings
from sidecar.cli.shared.snapshot import at_work, look
from sidecar.domain.errors import ExitCode
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.keys import Keys
from sidecar.ports import Store

DESCRIPTION = "Shows which nodes were removed, and are kept out until somebody readmits them."
EPILOG = """\
example:
  sidecar removed && sidecar readmit fed-3"""


def main(argv: Sequence[str], world: World) -> int:
    parser = Parser("removed", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="for scripts")
    add_settings(parser)
    namespace = parser.parse(argv)
    return at_work(namespace, world, partial(_show, world=world, as_json=namespace.json))


async def _show(store: Store, keys: Keys, *, world: World, as_json: bool) -> int:
    tombstones = sorted((await look(store, keys)).network.removed, key=lambda tomb: tomb.at)
    if as_json:
        print_json(world.out, [to_json(tombstone) for tombstone in tombstones])
    elif not tombstones:
        world.out.write(f"nothing is removed from network {keys.network}\n")
    else:
        rows = [
            (tomb.node_id or "", tomb.url.text if tomb.url else "", tomb.at, tomb.by, tomb.reason)
            for tomb in tombstones
        ]
        print_table(world.out, ("NODE", "URL", "AT", "BY", "REASON"), rows)
    return ExitCode.OK
