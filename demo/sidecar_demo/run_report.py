"""The summary of a run: one line if all checks passed, otherwise the failures and the logs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from sidecar_demo.network import NETWORK, DemoNetwork

MAX_LOG_LINES = 8


@dataclass(frozen=True, slots=True)
class RunReport:
    """The report of a run of the demo."""

    network: DemoNetwork

    def print_summary(self, unfinished: Sequence[str], seconds: float) -> None:
        """Print the summary."""
        results, failed = self.network.checks.results, self.network.checks.failed
        if not failed:
            passed = f"✓ {len(results)} checks passed in {seconds:.1f} s"
            self._print(Text(), Text(passed, style="bold green"), Text())
            return
        for result in failed:
            self._print(
                Text(),
                Text(f"✗ {result.description}", style="bold red"),
                Text(f"  {result.failure}", style="red"),
            )
        if unfinished:
            self._print(Text(), Text(f"not finished: {', '.join(unfinished)}", style="dim"))
        for name in dict.fromkeys(name for result in failed for name in result.nodes):
            self._print(Text(), *self._last_lines(name))
        counts = f"✗ {len(failed)} of {len(results)} checks failed in {seconds:.1f} s"
        kept = f"  the files and logs are kept in {self.network.workspace.folder}"
        self._print(Text(), Text(counts, style="bold red"), Text(kept), Text())

    def print_instructions(self) -> None:
        """Print commands to try on a network that is left running."""
        network, command = self.network, _command()
        lines = [
            f"export SIDECAR_ETCD={network.workspace.etcd} SIDECAR_NETWORK={NETWORK}",
            f"{command} members",
            f"{command} plan remove fed-2",
            f'{command} remove fed-2 --reason "to see what happens"',
            f"{command} rollout status --watch",
            f"{command} readmit fed-2",
            *(f"${{EDITOR:-vi}} {node.file}" for node in network.members[:1]),
        ]
        self._print(Text("The network keeps running. Try in another terminal:", style="bold"))
        self._print(*(Text(f"  {line}", style="cyan") for line in lines), Text())
        self._print(Text("Each sidecar has a status page and a log:", style="bold"))
        self._print(
            *(Text(f"  http://127.0.0.1:{node.admin}/  {node.log}") for node in network.members), Text()
        )
        self._print(Text("Ctrl-C stops everything and keeps the files.", style="bold"))

    def _last_lines(self, name: str) -> Iterator[Text]:
        node = self.network.nodes[name]
        yield Text(f"the last lines of {node.log}", style="bold")
        for line in node.log_text().splitlines()[-MAX_LOG_LINES:] or ["(nothing)"]:
            yield Text(f"  {line}", style="dim")

    def _print(self, *lines: Text) -> None:
        for line in lines:
            self.network.screen.print(Text.assemble(" ", line))


def _command() -> str:
    """The command of this program for another terminal."""
    beside = Path(sys.executable).with_name("sidecar")
    if shutil.which("sidecar"):
        return "sidecar"
    return str(beside) if beside.exists() else f"{sys.executable} -m sidecar"
