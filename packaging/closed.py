"""Fail unless the programs and libraries in a folder need nothing of the machine but the kernel.

``closed.py FOLDER``. Every library that any of them names must be in the folder, and every version of a
symbol that it requires of it (``GLIBC_2.34``) must be one that the folder's copy defines.
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
# In the section of needs its flags follow, in the section of definitions it ends the line.
_REQUIRED = re.compile(r"Name: (\S+)\s+Flags")
_DEFINED = re.compile(r"(?:Name|Parent \d+): (\S+)$")
_ELF = b"\x7fELF"


@dataclass
class Binary:
    """One ELF file: what it is called, what it defines, and what it requires of whom."""

    path: Path
    name: str
    defines: set[str] = field(default_factory=set)
    requires: dict[str, set[str]] = field(default_factory=dict)


def read(path: Path) -> Binary:
    """What ``readelf`` says of the file at ``path``."""
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
    """One line for each library or version that is required and not in ``folder``."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    binaries = [read(path) for path in sorted(files) if path.open("rb").read(4) == _ELF]
    if not binaries:
        return [f"{folder} holds no program"]
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
