"""``python -m sidecar`` and the command ``sidecar``."""

from __future__ import annotations

import sys

from sidecar.cli.main import run_verb


def main() -> int:
    """Run the verb that the command line names; return the exit code."""
    return run_verb(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
