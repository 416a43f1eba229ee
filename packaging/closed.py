"""Fail if a program or library in a folder depends on a library outside it.

``closed.py FOLDER``. Every library that one of them needs must be in the folder, and the folder's copy must
define every symbol version (``GLIBC_2.34``) that is required of it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
_NAME = re.compile(r"\(SONAME\).*\[(.+)\]")
_FILE = re.compile(r"File: (\S+)\s+Cnt")
# Flags follow the name in the section of requirements; the name ends the line in the section of definitions.
_REQUIRED = re.compile(r"Name: (\S+)\s+Flags")
_DEFINED = re.compile(r"(?:Name|Parent \d+): (\S+)$")
_ELF = b"\x7fELF"


@dataclass
class Binary:
    """One ELF file: its name, the versions it defines, and the versions it requires of each library."""

    path: Path
    name: str
    defines: set[str] = field(default_factory=set)
    requires: dict[str, set[str]] = field(default_factory=dict)


def read(path: Path) -> Binary:
    """Read the file at ``path`` with ``readelf``."""
    output = subprocess.run(
        ["readelf", "--dynamic", "--version-info", "--wide", path],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = Binary(path, name[1] if (name := _NAME.search(output)) else path.name)
    found.requires = {library: set() for library in _NEEDED.findall(output)}
    library = ""
    for line in output.splitlines():
        if named := _FILE.search(line):
            library = named[1]
        elif required := _REQUIRED.search(line):
            found.requires.setdefault(library, set()).add(required[1])
        elif defined := _DEFINED.search(line):
            found.defines.add(defined[1])
    return found


def missing_dependencies(folder: Path) -> list[str]:
    """Return one line for each required library or version that ``folder`` lacks."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    binaries = [read(path) for path in sorted(files) if path.open("rb").read(4) == _ELF]
    if not binaries:
        return [f"{folder} contains no program"]
    packed = {binary.name: binary for binary in binaries}
    missing_lines = []
    for binary in binaries:
        for library, versions in binary.requires.items():
            if library not in packed:
                missing_lines.append(
                    f"{binary.path.relative_to(folder)} needs {library}, which is not packed"
                )
            elif missing := versions - packed[library].defines:
                missing_lines.append(
                    f"{binary.path.relative_to(folder)} needs {', '.join(sorted(missing))} of {library}"
                )
    return missing_lines


if __name__ == "__main__":
    found = missing_dependencies(Path(sys.argv[1]))
    print(*found, sep="\n", file=sys.stderr)
    sys.exit(1 if found else 0)
