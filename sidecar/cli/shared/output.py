"""Results as JSON for scripts, and as tables for people, without colours in a pipe."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from sidecar.domain.printing import printable

if TYPE_CHECKING:
    from rich.table import Table

Row = Sequence[str]

OUTPUT_FORMAT = 1
"""The format of what ``--json`` prints: it rises when a key of any command changes its meaning or goes."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_STYLES = {
    "running": "green",
    "leader": "bold",
    "away": "red",
    "crashed": "red",
    "refused": "red",
    "removed": "red",
    "waiting": "yellow",
    "joining": "yellow",
    "starting": "yellow",
    "restarting": "yellow",
    "restart-pending": "yellow",
    "unhealthy": "red",
    "done": "green",
    "settling": "yellow",
    "failed": "bold red",
    "halted": "bold red",
    "down": "red",
    "paused": "magenta",
    "skipped": "magenta",
    "current": "bold",
    "quarantined": "red",
}


def print_json(out: TextIO, value: object) -> None:
    """Print ``value`` as one JSON document; an object gets the number of its format in front."""
    out.write(json.dumps(_with_format(value), indent=2, ensure_ascii=False) + "\n")


def json_line(value: object) -> str:
    """``value`` as one line of JSON, as `print_json` prints it."""
    return json.dumps(_with_format(value), ensure_ascii=False) + "\n"


def _with_format(value: object) -> object:
    return {"format": OUTPUT_FORMAT} | value if isinstance(value, dict) else value


def print_table(out: TextIO, titles: Row, rows: Sequence[Row]) -> None:
    """Print aligned columns: with rich on a terminal, otherwise as plain text that `awk` can read."""
    if out.isatty():
        _print_rich(out, titles, rows)
    else:
        _print_plain(out, titles, rows)


def _print_plain(out: TextIO, titles: Row, rows: Sequence[Row]) -> None:
    lines = [[printable(cell) or "-" for cell in row] for row in (titles, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        out.write("  ".join(padded).rstrip() + "\n")


def _print_rich(out: TextIO, titles: Row, rows: Sequence[Row]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only terminals need it

    Console(file=out).print(rich_table(titles, rows))


def rich_table(titles: Row, rows: Sequence[Row]) -> Table:
    """A table for a terminal."""
    from rich.table import Table  # noqa: PLC0415 - only terminals need it
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        # `Text`, as a value with brackets in it must not be read as markup.
        table.add_row(*(Text(printable(cell) or "-", style=style_of(cell)) for cell in row))
    return table


def style_of(cell: str) -> str:
    """The style in which rich shows a word such as ``running``; empty for most."""
    return _STYLES.get(cell, "")


def format_age(since: float) -> str:
    """How long ago ``since`` (Unix epoch) was, in one unit: ``12m``."""
    seconds = max(0, int(time.time() - since))
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    return f"{seconds // size}{unit}"
