"""`sidecar rollout status` on a terminal; imported only for one, as rich loads slowly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from rich.console import Console, Group, RenderableType
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sidecar.cli.rollout.status_text import (
    BAR_WIDTH,
    TITLES,
    RolloutStatus,
    footnote_lines,
    headline,
    progress_bars,
    row,
)
from sidecar.cli.shared.output import rich_table, style_of
from sidecar.domain.printing import printable


def print_status(out: TextIO, status: RolloutStatus) -> None:
    """Print it once."""
    Console(file=out).print(render_status(status))


class Screen:
    """The part of the terminal that is redrawn; lines printed to ``err`` appear above it."""

    def __init__(self, live: Live, err: TextIO) -> None:
        self._live = live
        self.err = cast("TextIO", FileProxy(live.console, err)) if err.isatty() else err

    def draw(self, content: RenderableType) -> None:
        self._live.update(content, refresh=True)


@contextmanager
def open_screen(out: TextIO, err: TextIO) -> Iterator[Screen]:
    """Draw in place; the last picture stays when the scope ends."""
    # Lines that do not fit into the window appear at the end, when it scrolls.
    with Live(console=Console(file=out), auto_refresh=False, vertical_overflow="ellipsis") as live:
        yield Screen(live, err)


def render_status(status: RolloutStatus) -> RenderableType:
    """All of it, as rich draws it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, done, total in progress_bars(status):
        bar = ProgressBar(total, done, width=BAR_WIDTH, complete_style="green", finished_style="green")
        grid.add_row(name, bar, f"{done}/{total}")
    rows = [row(status, node) for node in status.rollout.nodes]
    head = Text(printable(headline(status)), style=style_of(status.summary.phase.value))
    parts: list[RenderableType] = [head, grid, Text(), rich_table(TITLES, rows)]
    notes = [Text(printable(text)) for text in footnote_lines(status)]
    return Group(*parts, *([Text()] if notes else []), *notes)
