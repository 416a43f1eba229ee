"""How it went: a line when all is well, what failed and what the sidecars said when not; how to play."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from sidecar_demo.stage import NETWORK, Stage

LAST_LINES = 8


@dataclass(frozen=True, slots=True)
class Closing:
    """The last words about a stage."""

    stage: Stage

    def tell(self, not_played: Sequence[str], seconds: float) -> None:
        """Sum up."""
        results, failed = self.stage.checks.results, self.stage.checks.failed
        if not failed:
            passed = f"✓ {len(results)} checks passed in {seconds:.1f} s"
            self._print(Text(), Text(passed, style="bold green"), Text())
            return
        for result in failed:
            self._print(
                Text(),
                Text(f"✗ {result.claim}", style="bold red"),
                Text(f"  {result.complaint}", style="red"),
            )
        if not_played:
            self._print(Text(), Text(f"not played to the end: {', '.join(not_played)}", style="dim"))
        for name in dict.fromkeys(name for result in failed for name in result.nodes):
            self._print(Text(), *self._last_lines(name))
        counts = f"✗ {len(failed)} of {len(results)} checks failed in {seconds:.1f} s"
        kept = f"  the files and logs are kept in {self.stage.place.folder}"
        self._print(Text(), Text(counts, style="bold red"), Text(kept), Text())

    def invite(self) -> None:
        """Say how to play with a network that is left running."""
        stage, command = self.stage, _command()
        lines = [
            f"export SIDECAR_ETCD={stage.place.etcd} SIDECAR_NETWORK={NETWORK}",
            f"{command} members",
            f"{command} plan remove fed-2",
            f'{command} remove fed-2 --reason "to see what happens"',
            f"{command} rollout status --watch",
            f"{command} readmit fed-2",
            *(f"${{EDITOR:-vi}} {node.file}" for node in stage.members[:1]),
        ]
        self._print(Text("The network is yours. In another terminal:", style="bold"))
        self._print(*(Text(f"  {line}", style="cyan") for line in lines), Text())
        self._print(Text("Each sidecar has a page about itself, and a log:", style="bold"))
        self._print(
            *(Text(f"  http://127.0.0.1:{node.admin}/  {node.log}") for node in stage.members), Text()
        )
        self._print(Text("Ctrl-C stops everything; the files stay.", style="bold"))

    def _last_lines(self, name: str) -> Iterator[Text]:
        node = self.stage.nodes[name]
        yield Text(f"the last lines of {node.log}", style="bold")
        for line in node.log_text().splitlines()[-LAST_LINES:] or ["(nothing)"]:
            yield Text(f"  {line}", style="dim")

    def _print(self, *lines: Text) -> None:
        for line in lines:
            self.stage.screen.print(Text.assemble(" ", line))


def _command() -> str:
    """How this very program is called from another terminal."""
    beside = Path(sys.executable).with_name("sidecar")
    if shutil.which("sidecar"):
        return "sidecar"
    return str(beside) if beside.exists() else f"{sys.executable} -m sidecar"
