"""What the demo looks like: a story that scrolls by and, on a terminal, the network live below it."""

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
from sidecar_demo.node import Node
from sidecar_demo.panel import files_table, network_table
from sidecar_demo.watching import Sight

WIDEST = 120
"""Columns beyond which lines are no pleasure to read."""
INDENT = 5
ROOMY = 100
"""Columns from which there is room to say why a node is as it is."""
FRAMES = 10
"""How often the live part is drawn, a second."""

Watch = Callable[[], Sequence[Sight]]


class Screen:
    """Tells the story on ``out``; ``watch`` says how the network is now, for the live part."""

    def __init__(self, out: TextIO, acts: int) -> None:
        self.console = Console(file=out, highlight=False)
        self.console.width = min(self.console.width, WIDEST)
        self._acts, self._act, self._checks = acts, 0, 0
        self._began = time.monotonic()
        self._spinner: Spinner | None = None
        # Rich would let a line that is printed and a picture that is drawn meet, and lose track of rows.
        self._lock = threading.Lock()

    @property
    def is_live(self) -> bool:
        return self.console.is_terminal and not self.console.is_dumb_terminal

    @contextmanager
    def live(self, watch: Watch) -> Iterator[None]:
        """Draw the network, and how far the story is, below what is printed; nothing without a terminal."""
        if not self.is_live:
            yield
            return
        with (
            Live(
                get_renderable=lambda: self._below(watch()),
                console=self.console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            ) as live,
            self._painting(live),
        ):
            yield

    @contextmanager
    def _painting(self, live: Live) -> Iterator[None]:
        over = threading.Event()

        def paint() -> None:
            while not over.wait(1 / FRAMES):
                with self._lock:
                    live.refresh()

        painter = threading.Thread(target=paint, name="painter", daemon=True)
        painter.start()
        try:
            yield
        finally:
            over.set()
            painter.join()

    def title(self, text: str, about: str) -> None:
        self.print()
        self._print(Text(text, style="bold"), 1)
        self._print(Text(about, style="dim"), 1)

    def act(self, title: str, story: str) -> None:
        """A new act begins."""
        self._act += 1
        self.print()
        self.print(Text.assemble((f" {self._act} ", "bold reverse cyan"), "  ", (title, "bold")))
        for line in Text(story, style="dim").wrap(self.console, self.console.width - INDENT):
            self._print(line)

    def tell(self, what: str) -> None:
        """Something is done to the network."""
        self._line(Text("→", style="cyan"), Text(what))

    def show(self, lines: Sequence[Text]) -> None:
        """Show an excerpt: a diff, an answer."""
        for line in lines:
            self._print(line, INDENT + 2)

    def files(self, nodes: Sequence[Node]) -> None:
        """Show their files side by side."""
        table, margin = files_table(nodes, short=False), INDENT
        if self.console.measure(table).maximum > self.console.width - margin:
            # Five files fit into 80 columns without the scheme and the margin.
            table, margin = files_table(nodes, short=True), 1
        with self._lock:
            self.console.print(Padding(table, (1, 0, 1, margin), expand=False))

    @contextmanager
    def waiting(self, claim: str) -> Iterator[None]:
        """Something is waited for."""
        self._spinner = Spinner("dots", Text(claim), style="cyan")
        try:
            yield
        finally:
            self._spinner = None

    def checked(self, result: Result) -> None:
        """A check has passed, or has not."""
        self._checks += 1
        took = "" if result.seconds is None else f"{result.seconds:.2f} s"
        if result.passed:
            self._line(Text("✓", style="bold green"), Text(result.claim), took)
        else:
            self._line(Text("✗", style="bold red"), Text(result.claim, style="bold red"), took)
            self._line(Text(" "), Text(result.complaint or "", style="red"))

    def _line(self, mark: Text, what: Text, took: str = "") -> None:
        """A line of an act, broken where it must be; what it took stands at the right."""
        room = self.console.width - INDENT - 2
        lines = what.wrap(self.console, room - len(took) - 2 if took else room)
        for place, line in enumerate(lines):
            if place:
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

    def _below(self, sights: Sequence[Sight]) -> RenderableType:
        """The live part."""
        parts: list[RenderableType] = []
        if self._spinner:
            parts.append(Padding(self._spinner, (0, 0, 0, INDENT)))
        parts += [Text(""), network_table(sights, why=self.console.width >= ROOMY), self._progress()]
        return Group(*parts)

    def _progress(self) -> RenderableType:
        elapsed = time.monotonic() - self._began
        grid = Table.grid(expand=True, padding=(0, 1))
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True, justify="right")
        bar = ProgressBar(total=self._acts, completed=max(0, self._act - 1), complete_style="cyan")
        where = f"act {self._act} of {self._acts} · {self._checks} checks · {elapsed:4.1f} s"
        grid.add_row(bar, Text(where, style="dim"))
        return Padding(grid, (0, 1))
