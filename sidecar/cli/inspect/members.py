"""``sidecar members``: all nodes and their state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import chain

from sidecar.cli.shared.context import CommandContext
from sidecar.cli.shared.output import format_age, print_json, print_table
from sidecar.cli.shared.parser import Parser, add_network_settings
from sidecar.cli.shared.snapshot import Snapshot, read_snapshot, run_with_store
from sidecar.domain.errors import ExitCode
from sidecar.domain.identity import Role
from sidecar.domain.printing import printable
from sidecar.domain.records.codec import to_json
from sidecar.domain.records.keys import Keys
from sidecar.domain.records.membership import Member
from sidecar.domain.records.report import Phase, Report
from sidecar.domain.servers import NodeID, ServerUrl
from sidecar.ports import Store

DESCRIPTION = "Lists all nodes of the network: their state, and their version of the list."
EPILOG = """\
LIST: the version that the process has loaded (and the one in the file, if it
differs). FOR: time in this phase.

example:
  sidecar members --json | jq -r '.[] | select(.healthy | not) | .node_id'"""
PHASE_AWAY = "away"
REASON_AWAY = "no report: its sidecar is down, or cannot reach etcd"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One row: what etcd keeps of a node, and its own report; None while it is away."""

    node_id: NodeID
    role: Role
    url: ServerUrl | None
    report: Report | None
    is_leader: bool

    @property
    def phase(self) -> str:
        return self.report.phase.value if self.report else PHASE_AWAY

    @property
    def reason(self) -> str:
        return self.report.reason if self.report else REASON_AWAY

    @property
    def is_in_step(self) -> bool:
        return self.report is not None and self.report.serves and not self.report.wants_grant


def main(argv: Sequence[str], context: CommandContext) -> int:
    parser = Parser("members", "[OPTION]…", DESCRIPTION, EPILOG)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_network_settings(parser)
    arguments = parser.parse(argv)
    return run_with_store(arguments, context, partial(_show, context=context, as_json=arguments.json))


async def _show(store: Store, keys: Keys, *, context: CommandContext, as_json: bool) -> int:
    snapshot = await read_snapshot(store, keys)
    nodes, others = split_members(snapshot)
    if as_json:
        print_json(context.out, [node_to_json(node) for node in nodes])
        return ExitCode.OK
    if nodes:
        _print(context, nodes)
    else:
        context.out.write(f"network {keys.network} has no members yet\n")
    context.out.writelines(chain(["\n"] if others else [], map(_describe_outsider, others)))
    return ExitCode.OK


def split_members(snapshot: Snapshot) -> tuple[list[MemberRow], list[MemberRow]]:
    """The members, servers in the order of the list, then the others by name; and nodes that only report.

    Those ask to join, or were refused or removed and still run.
    """
    network, leader = snapshot.network, snapshot.leadership
    known: dict[NodeID, Member | Report] = {**network.membership.members, **network.reports}
    nodes = [
        MemberRow(
            node_id,
            record.role,
            record.url,
            network.reports.get(node_id),
            leader is not None and leader.candidate.node_id == node_id,
        )
        for node_id, record in known.items()
    ]
    listed = network.canonical.servers.urls if network.canonical else ()

    def position(node: MemberRow) -> tuple[int, NodeID]:
        return (listed.index(node.url) if node.url in listed else len(listed)), node.node_id

    nodes.sort(key=position)
    if network.canonical is None:
        return nodes, []
    members = {member.node_id for member in network.members_of(network.canonical)}
    return [n for n in nodes if n.node_id in members], [n for n in nodes if n.node_id not in members]


def node_to_json(node: MemberRow) -> dict[str, object]:
    """One object of ``members --json``; the fields of a report are null while the node is away."""
    reported = {each.name: to_json(getattr(node.report, each.name, None)) for each in fields(Report)}
    known = {
        "node_id": node.node_id,
        "role": node.role.value,
        "url": node.url.text if node.url else None,
        "phase": node.phase,
        "reason": node.reason,
        "healthy": bool(node.report and node.report.healthy),
    }
    return reported | known | {"leader": node.is_leader}


def _print(context: CommandContext, nodes: Sequence[MemberRow]) -> None:
    terminal = context.out.isatty()
    rows = [_row(node) for node in nodes]
    titles: tuple[str, ...] = ("NODE", "ROLE", "URL", "PHASE", "LIST", "FOR")
    if not terminal:
        reasons = (node.reason for node in nodes)
        rows = [(*row, why) for row, why in zip(rows, reasons, strict=True)]
        titles = (*titles, "WHY")
    print_table(context.out, titles, rows)
    if terminal:  # the reasons do not fit into 80 columns with the rest
        others = [node for node in nodes if not node.is_in_step]
        lines = (f"{node.node_id} is {node.phase}: {printable(node.reason)}\n" for node in others)
        context.out.writelines(chain(["\n"] if others else [], lines))


def _describe_outsider(node: MemberRow) -> str:
    url = f" ({node.url})" if node.url else ""
    hint = "; see `sidecar pending`" if node.report and node.report.phase is Phase.JOINING else ""
    return f"{node.node_id}{url} is not a member; it is {node.phase}: {printable(node.reason)}{hint}\n"


def _row(node: MemberRow) -> tuple[str, ...]:
    role = "leader" if node.is_leader else node.role.short_label
    url = node.url.text if node.url else ""
    report = node.report
    if report is None:
        return node.node_id, role, url, PHASE_AWAY, "", ""
    loaded, written = report.loaded_version, report.written_version
    version = f"{loaded}" if loaded == written else f"{loaded}({written})"
    unhealthy = report.phase is Phase.RUNNING and not report.healthy
    return (
        node.node_id,
        role,
        url,
        "unhealthy" if unhealthy else node.phase,
        version,
        format_age(report.since),
    )
