"""``sidecar servers``: the canonical list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.messages import no_list_message
from sidecar.cli.shared.output import print_json, print_table
from sidecar.cli.shared.parser import Parser, add_network_settings
from sidecar.cli.shared.snapshot import read_snapshot, run_with_store
from sidecar.domain.errors import ExitCode
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.keys import Keys
from sidecar.ports import Store

DESCRIPTION = "Shows the canonical FederatedServers, which every file of the network must have."
EPILOG = """\
example:
  sidecar servers --json | jq -r '.FederatedServers[]'"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("servers", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="print JSON (null: no list yet)")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_show, context=context, as_json=arguments.json))


async def _show(store: Store, keys: Keys, *, context: CommandContext, as_json: bool) -> int:
    network = (await read_snapshot(store, keys)).network
    canonical = network.canonical
    if as_json:
        print_json(context.out, canonical and to_json(canonical))
    elif canonical is None:
        context.out.write(f"{no_list_message(keys)}\n")
    else:
        rows = [(url.text, network.node_at(url) or "") for url in canonical.servers]
        print_table(context.out, ("SERVER", "NODE"), rows)
        context.out.write(f"\n{canonical.origin}\n")
    return ExitCode.OK
