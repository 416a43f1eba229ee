"""``sidecar servers``: the canonical list."""

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

DESCRIPTION = "Shows the canonical FederatedServers, which every file of the network must hold."
EPILOG = """\
example:
  sidecar servers --json | jq -r '.FederatedServers[]'"""


def main(argv: Sequence[str], world: World) -> int:
    parser = Parser("servers", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="for scripts (null: no list yet)")
    add_settings(parser)
    namespace = parser.parse(argv)
    return at_work(namespace, world, partial(_show, world=world, as_json=namespace.json))


async def _show(store: Store, keys: Keys, *, world: World, as_json: bool) -> int:
    network = (await look(store, keys)).network
    canonical = network.canonical
    if as_json:
        print_json(world.out, canonical and to_json(canonical))
    elif canonical is None:
        world.out.write(f"network {keys.network} has no list yet: none of its servers has led it\n")
    else:
        rows = [(url.text, network.node_at(url) or "") for url in canonical.servers]
        print_table(world.out, ("SERVER", "NODE"), rows)
        world.out.write(f"\n{canonical.origin}\n")
    return ExitCode.OK
