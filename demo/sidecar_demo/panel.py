"""Tables: the network as it is now, and every file side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from sidecar_demo.node import Node
from sidecar_demo.watching import Sight

_PHASES = {
    "running": "green",
    "crashed": "red",
    "refused": "red",
    "removed": "red",
}
_UNSETTLED = "yellow"


def network_table(sights: Sequence[Sight], *, why: bool) -> Table:
    """Every node on a line: its sidecar, its process, the ports in its file, and ``why`` it is as it is."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("     node", no_wrap=True, min_width=13)
    table.add_column("sidecar", no_wrap=True, min_width=16)
    table.add_column("process", no_wrap=True, min_width=10)
    table.add_column("its file names", no_wrap=True, min_width=22)
    if why:
        table.add_column("why", no_wrap=True, overflow="ellipsis", style="dim")
    for sight in sights:
        if sight.seen is None and not sight.starts:
            continue  # not on the stage yet, or turned away from it
        cells = [_name(sight), _sidecar(sight), _process(sight), _ports(sight.servers)]
        table.add_row(*cells, *([Text(sight.seen.reason if sight.seen else "")] if why else []))
    return table


def _name(sight: Sight) -> Text:
    leads = bool(sight.seen and sight.seen.leading)
    return Text.assemble(("   ★ " if leads else "     ", "yellow"), (sight.name, "bold" if leads else ""))


def _sidecar(sight: Sight) -> Text:
    if sight.seen is None:
        return Text("down", style="red")
    return Text(sight.seen.phase, style=_PHASES.get(sight.seen.phase, _UNSETTLED))


def _process(sight: Sight) -> Text:
    if sight.pid is None:
        return Text("○ stopped" if sight.starts else "○", style="dim")
    return Text.assemble(("● ", "green"), f"start {sight.starts}")


def _ports(servers: Sequence[str]) -> Text:
    return Text("  ".join(url.rpartition(":")[2] for url in servers))


def files_table(nodes: Sequence[Node], *, short: bool) -> Table:
    """The files, each a column, with its list from top to bottom; ``short``: without the scheme."""
    lists = [node.servers() for node in nodes]
    reference = lists[0] if lists else ()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for _ in nodes:
        table.add_column(no_wrap=True)
    table.add_row(*(Text(node.name, style="bold") for node in nodes))
    table.add_row(*(Text(node.file.name, style="dim") for node in nodes))
    for place in range(max(map(len, lists), default=0)):
        table.add_row(*(_cell(servers, reference, place, short=short) for servers in lists))
    return table


def _cell(servers: Sequence[str], reference: Sequence[str], place: int, *, short: bool) -> Text:
    url = servers[place] if place < len(servers) else ""
    same = place < len(reference) and url == reference[place]
    shown = url.partition("://")[2] if short else url
    return Text(shown or "-", style="green" if same else "bold red")
