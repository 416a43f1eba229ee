"""What the demo looks like: a log that scrolls by and, on a terminal, the network live below it."""

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
"""Columns beyond which lines are no pleasure to read."""
INDENT = 5
MIN_WIDTH_WITH_REASONS = 100
"""Columns from which there is room to say why a node is as it is."""
FRAMES_PER_SECOND = 10
"""How often the live part is drawn, a second."""

SnapshotSource = Callable[[], Sequence[NodeSnapshot]]


class Screen:
    """Prints the demo on ``out``; ``latest_snapshots`` says how the network is now, for the live part."""

    def __init__(self, out: TextIO, steps: int) -> None:
        self.console = Console(file=out, highlight=False)
        self.console.width = min(self.console.width, MAX_WIDTH)
        self._total_steps, self._step, self._checks = steps, 0, 0
        self._started_at = time.monotonic()
        self._spinner: Spinner | None = None
        # Rich would let a line that is printed and a picture that is drawn meet, and lose track of rows.
        self._lock = threading.Lock()

    @property
    def is_live(self) -> bool:
        return self.console.is_terminal and not self.console.is_dumb_terminal

    @contextmanager
    def live(self, latest_snapshots: SnapshotSource) -> Iterator[None]:
        """Draw the network, and how far the demo is, below what is printed; nothing without a terminal."""
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
        """A new step begins."""
        self._step += 1
        self.print()
        self.print(Text.assemble((f" {self._step} ", "bold reverse cyan"), "  ", (title, "bold")))
        for line in Text(description, style="dim").wrap(self.console, self.console.width - INDENT):
            self._print(line)

    def announce(self, what: str) -> None:
        """Something is done to the network."""
        self._line(Text("→", style="cyan"), Text(what))

    def show(self, lines: Sequence[Text]) -> None:
        """Show an excerpt: a diff, an answer."""
        for line in lines:
            self._print(line, INDENT + 2)

    def files(self, nodes: Sequence[DemoNode]) -> None:
        """Show their files side by side."""
        table, margin = files_table(nodes, short=False), INDENT
        if self.console.measure(table).maximum > self.console.width - margin:
            # Five files fit into 80 columns without the scheme and the margin.
            table, margin = files_table(nodes, short=True), 1
        with self._lock:
            self.console.print(Padding(table, (1, 0, 1, margin), expand=False))

    @contextmanager
    def waiting(self, description: str) -> Iterator[None]:
        """Something is waited for."""
        self._spinner = Spinner("dots", Text(description), style="cyan")
        try:
            yield
        finally:
            self._spinner = None

    def checked(self, result: Result) -> None:
        """A check has passed, or has not."""
        self._checks += 1
        took = "" if result.seconds is None else f"{result.seconds:.2f} s"
        if result.passed:
            self._line(Text("✓", style="bold green"), Text(result.description), took)
        else:
            self._line(Text("✗", style="bold red"), Text(result.description, style="bold red"), took)
            self._line(Text(" "), Text(result.failure or "", style="red"))

    def _line(self, mark: Text, what: Text, took: str = "") -> None:
        """A line of a step, broken where it must be; what it took stands at the right."""
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
        """Print, and break no line: a path that is broken cannot be copied."""
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
