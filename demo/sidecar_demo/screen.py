"""The screen of the demo: a log that scrolls and, on a terminal, the live network below it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from sidecar_demo.checks import Result
from sidecar_demo.node import DemoNode
from sidecar_demo.poller import NodeSnapshot
from sidecar_demo.tables import files_table, network_table

MAX_WIDTH = 120
"""Columns of the longest line."""
INDENT = 5
MIN_WIDTH_WITH_REASONS = 100
"""Columns from which there is room for reasons."""
FRAMES_PER_SECOND = 10
"""Redraws of the live part per second."""

SnapshotSource = Callable[[], Sequence[NodeSnapshot]]


class Screen:
    """Prints the demo on ``out``; ``latest_snapshots`` returns the current network for the live part."""

    def __init__(self, out: TextIO, steps: int) -> None:
        self.console = Console(file=out, highlight=False)
        self.console.width = min(self.console.width, MAX_WIDTH)
        self._total_steps, self._step, self._checks = steps, 0, 0
        self._started_at = time.monotonic()
        self._spinner: Spinner | None = None
        # Rich loses track of rows if it prints a line while it draws.
        self._lock = threading.Lock()

    @property
    def is_live(self) -> bool:
        return self.console.is_terminal and not self.console.is_dumb_terminal

    @contextmanager
    def live(self, latest_snapshots: SnapshotSource) -> Iterator[None]:
        """Draw the network and the progress below the log; nothing without a terminal."""
        if not self.is_live:
            yield
            return
        with (
            Live(
                get_renderable=lambda: self._live_view(latest_snapshots()),
                console=self.console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            ) as live,
            self._redrawing(live),
        ):
            yield

    @contextmanager
    def _redrawing(self, live: Live) -> Iterator[None]:
        over = threading.Event()

        def redraw() -> None:
            while not over.wait(1 / FRAMES_PER_SECOND):
                with self._lock:
                    live.refresh()

        redrawer = threading.Thread(target=redraw, name="redrawer", daemon=True)
        redrawer.start()
        try:
            yield
        finally:
            over.set()
            redrawer.join()

    def title(self, text: str, about: str) -> None:
        self.print()
        self._print(Text(text, style="bold"), 1)
        self._print(Text(about, style="dim"), 1)

    def begin_step(self, title: str, description: str) -> None:
        """Print the title of a new step."""
        self._step += 1
        self.print()
        self.print(Text.assemble((f" {self._step} ", "bold reverse cyan"), "  ", (title, "bold")))
        for line in Text(description, style="dim").wrap(self.console, self.console.width - INDENT):
            self._print(line)

    def announce(self, what: str) -> None:
        """Print an action."""
        self._line(Text("→", style="cyan"), Text(what))

    def show(self, lines: Sequence[Text]) -> None:
        """Print an excerpt, such as a diff."""
        for line in lines:
            self._print(line, INDENT + 2)

    def files(self, nodes: Sequence[DemoNode]) -> None:
        """Print the files of ``nodes`` side by side."""
        table, margin = files_table(nodes, short=False), INDENT
        if self.console.measure(table).maximum > self.console.width - margin:
            # Five files fit into 80 columns without the scheme and the margin.
            table, margin = files_table(nodes, short=True), 1
        with self._lock:
            self.console.print(Padding(table, (1, 0, 1, margin), expand=False))

    @contextmanager
    def waiting(self, description: str) -> Iterator[None]:
        """Show what is waited for."""
        self._spinner = Spinner("dots", Text(description), style="cyan")
        try:
            yield
        finally:
            self._spinner = None

    def checked(self, result: Result) -> None:
        """Print the result of a check."""
        self._checks += 1
        took = "" if result.seconds is None else f"{result.seconds:.2f} s"
        if result.passed:
            self._line(Text("✓", style="bold green"), Text(result.description), took)
        else:
            self._line(Text("✗", style="bold red"), Text(result.description, style="bold red"), took)
            self._line(Text(" "), Text(result.failure or "", style="red"))

    def _line(self, mark: Text, what: Text, took: str = "") -> None:
        """Print a wrapped line of a step, with its duration on the right."""
        width = self.console.width - INDENT - 2
        lines = what.wrap(self.console, width - len(took) - 2 if took else width)
        for index, line in enumerate(lines):
            if index:
                self._print(Text.assemble("  ", line))
                continue
            whole = Text.assemble(mark, " ", line)
            gap = self.console.width - INDENT - whole.cell_len - len(took) - 1
            self._print(Text.assemble(whole, " " * gap, (took, "dim")) if took else whole)

    def _print(self, line: Text, indent: int = INDENT) -> None:
        self.print(Text.assemble(" " * indent, line))

    def print(self, what: RenderableType = "") -> None:
        """Print without wrapping: a wrapped path cannot be copied."""
        with self._lock:
            self.console.print(what, soft_wrap=True)

    def _live_view(self, snapshots: Sequence[NodeSnapshot]) -> RenderableType:
        """The live part."""
        parts: list[RenderableType] = []
        if self._spinner:
            parts.append(Padding(self._spinner, (0, 0, 0, INDENT)))
        parts += [
            Text(""),
            network_table(snapshots, show_reasons=self.console.width >= MIN_WIDTH_WITH_REASONS),
            self._progress(),
        ]
        return Group(*parts)

    def _progress(self) -> RenderableType:
        elapsed = time.monotonic() - self._started_at
        grid = Table.grid(expand=True, padding=(0, 1))
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True, justify="right")
        bar = ProgressBar(total=self._total_steps, completed=max(0, self._step - 1), complete_style="cyan")
        where = f"step {self._step} of {self._total_steps} · {self._checks} checks · {elapsed:4.1f} s"
        grid.add_row(bar, Text(where, style="dim"))
        return Padding(grid, (0, 1))
