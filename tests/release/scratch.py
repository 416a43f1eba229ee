"""A small repository that could be released, for a test to spoil."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tools.release import CHANGELOG, COPIES, Tree, set_version

ROOT = Path(__file__).resolve().parent.parent.parent
CUT = """\
# Changelog

## Unreleased

## 1.2.0 - 2026-03-01

### Added

- A thing.

## 1.1.0 - 2026-02-01

- The first thing.
"""


class Scratch:
    """A git repository with every file that holds the version, at 1.2.0, committed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for pattern, _ in COPIES:
            for file in ROOT.glob(pattern):
                copy = root / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
        self.write(CHANGELOG, CUT)
        assert set_version(self.tree, "1.2.0") == 0
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit()

    @property
    def tree(self) -> Tree:
        return Tree(self.root)

    def git(self, *words: str) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        subprocess.run(["git", "-C", self.root, *identity, *words], check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", "A change")

    def write(self, file: str, text: str) -> None:
        (self.root / file).write_text(text, encoding="utf-8")

    def replace(self, file: str, old: str, new: str) -> None:
        text = self.tree.read(file)
        assert old in text
        self.write(file, text.replace(old, new))
