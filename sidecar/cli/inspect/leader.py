"""``sidecar leader``: the leader of the network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.output import print_json
from sidecar.cli.shared.parser import Parser, add_network_settings
from sidecar.cli.shared.snapshot import read_snapshot, run_with_store
from sidecar.domain.errors import ExitCode
from sidecar.domain.printing import printable
from sidecar.domain.records.keys import Keys
from sidecar.ports import Store

DESCRIPTION = """\
Shows which sidecar is the leader of the network, and since when it is a
candidate."""
EPILOG = """\
example:
  sidecar leader --json | jq -r .node_id"""


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("leader", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="print JSON (null: no leader)")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_show, context=context, as_json=arguments.json))


async def _show(store: Store, keys: Keys, *, context: CommandContext, as_json: bool) -> int:
    leadership = (await read_snapshot(store, keys)).leadership
    if leadership is None:
        if as_json:
            print_json(context.out, None)
        else:
            context.out.write(f"network {keys.network} has no leader: no sidecar of a server is connected\n")
        return ExitCode.OK
    leader, url = leadership.candidate, leadership.candidate.url
    if as_json:
        document = {"node_id": leader.node_id, "url": url.text if url else None}
        print_json(context.out, document | {"term": leadership.term, "since": leader.since})
    else:
        where = f" ({url})" if url else ""
        since = f"candidate since {printable(leader.since)}, term {leadership.term}"
        context.out.write(f"{leader.node_id}{where} leads network {keys.network}: {since}\n")
    return ExitCode.OK
