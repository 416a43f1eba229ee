"""What is found where, as a failed test shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.language.habits import find
from tests.language.texts import ROOT, files, texts


def findings(*roots: Path) -> Iterator[str]:
    for path in files(*roots):
        name = path.relative_to(ROOT).as_posix()
        for text in texts(path):
            for finding in find(text):
                yield f'{name}:{finding.line}: "{finding.found}"; write: {finding.instead}'
