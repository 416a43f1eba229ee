"""``python -m sidecar`` and the command ``sidecar``."""

from __future__ import annotations

import sys

from sidecar.cli.main import run_command


def main() -> int:
    """Run the command that the command line names; return the exit code."""
    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
