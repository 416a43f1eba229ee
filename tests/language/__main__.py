"""Print every habit that is found, in the whole repository or in the files and folders that are named."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.language.findings import findings


def main(names: list[str]) -> int:
    found = list(findings(*(Path(name).resolve() for name in names)))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
