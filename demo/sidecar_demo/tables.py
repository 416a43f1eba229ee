"""Tables: the network as it is now, and every file side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from sidecar_demo.node import DemoNode
from sidecar_demo.poller import NodeSnapshot

_PHASE_COLOURS = {
    "running": "green",
    "crashed": "red",
    "refused": "red",
    "removed": "red",
}
_OTHER_COLOUR = "yellow"


def network_table(snapshots: Sequence[NodeSnapshot], *, show_reasons: bool) -> Table:
    """One row for each node: sidecar, process, ports in the file, and with ``show_reasons`` why."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("     node", no_wrap=True, min_width=13)
    table.add_column("sidecar", no_wrap=True, min_width=16)
    table.add_column("process", no_wrap=True, min_width=10)
    table.add_column("ports in its file", no_wrap=True, min_width=22)
    if show_reasons:
        table.add_column("why", no_wrap=True, overflow="ellipsis", style="dim")
    for snapshot in snapshots:
        if snapshot.status is None and not snapshot.starts:
            continue  # not started yet, or refused
        cells = [_name(snapshot), _sidecar(snapshot), _process(snapshot), _ports(snapshot.servers)]
        table.add_row(
            *cells, *([Text(snapshot.status.reason if snapshot.status else "")] if show_reasons else [])
        )
    return table


def _name(snapshot: NodeSnapshot) -> Text:
    leads = bool(snapshot.status and snapshot.status.leading)
    return Text.assemble(("   ★ " if leads else "     ", "yellow"), (snapshot.name, "bold" if leads else ""))


def _sidecar(snapshot: NodeSnapshot) -> Text:
    if snapshot.status is None:
        return Text("down", style="red")
    return Text(snapshot.status.phase, style=_PHASE_COLOURS.get(snapshot.status.phase, _OTHER_COLOUR))


def _process(snapshot: NodeSnapshot) -> Text:
    if snapshot.pid is None:
        return Text("○ stopped" if snapshot.starts else "○", style="dim")
    return Text.assemble(("● ", "green"), f"start {snapshot.starts}")


def _ports(servers: Sequence[str]) -> Text:
    return Text("  ".join(url.rpartition(":")[2] for url in servers))


def files_table(nodes: Sequence[DemoNode], *, short: bool) -> Table:
    """One column for each file, with its list; ``short``: without the scheme."""
    lists = [node.servers() for node in nodes]
    reference = lists[0] if lists else ()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for _ in nodes:
        table.add_column(no_wrap=True)
    table.add_row(*(Text(node.name, style="bold") for node in nodes))
    table.add_row(*(Text(node.file.name, style="dim") for node in nodes))
    for index in range(max(map(len, lists), default=0)):
        table.add_row(*(_cell(servers, reference, index, short=short) for servers in lists))
    return table


def _cell(servers: Sequence[str], reference: Sequence[str], index: int, *, short: bool) -> Text:
    url = servers[index] if index < len(servers) else ""
    same = index < len(reference) and url == reference[index]
    shown = url.partition("://")[2] if short else url
    return Text(shown or "-", style="green" if same else "bold red")
