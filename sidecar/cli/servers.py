"""``sidecar servers``: the canonical list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sidecar.cli.operator import at_work, look
from sidecar.cli.parsing import Parser, add_settings
from sidecar.cli.tables import print_json, print_table
from sidecar.cli.world import World
from sidecar.domain.canonical import Canonical
from sidecar.domain.codec import to_json
from sidecar.domain.errors import ExitCode
from sidecar.domain.keys import Keys
from sidecar.domain.membership import Member
from sidecar.domain.network import Network
from sidecar.domain.report import Report
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
        rows = [(url.text, _name(network, url.normal)) for url in canonical.servers]
        print_table(world.out, ("SERVER", "NODE"), rows)
        world.out.write(f"\n{_origin(canonical)}\n")
    return ExitCode.OK


def _name(network: Network, url: str) -> str:
    nodes: tuple[Member | Report, ...] = (*network.members.values(), *network.reports.values())
    return next((node.node_id for node in nodes if node.url and node.url.normal == url), "")


def _origin(canonical: Canonical) -> str:
    causes = ", ".join(str(change) for change in canonical.cause)
    return f"version {canonical.version}, by {canonical.author} at {canonical.at}: {causes}"
