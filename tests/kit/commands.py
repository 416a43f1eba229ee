"""Commands of the sidecar, run as a person runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command exited, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON that it printed."""
        return json.loads(self.out)


def run_sidecar(*arguments: str, folder: Path, env: dict[str, str] | None = None) -> CommandResult:
    """Run ``sidecar`` with ``arguments`` in ``folder``."""
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", *arguments],
        cwd=folder,
        env=environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, without settings of a sidecar that someone exported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")}
    return kept | {"PYTHONPATH": str(PROJECT)} | extra
