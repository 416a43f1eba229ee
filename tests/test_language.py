"""The texts of the repository keep the habits out that ``tests/language/habits.py`` lists.

``python -m tests.language FOLDER`` shows what is left to rewrite in a folder.
"""

from __future__ import annotations

import pytest

from tests.language.findings import findings
from tests.language.habits import Kind, Text, find
from tests.language.texts import ROOT, files


def test_texts_are_plain_english() -> None:
    found = list(findings())
    assert not found, "write plainly:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.STRING, "the process is started anew"),
        (Kind.DOCSTRING, "Its leader is told."),
        (Kind.DOCSTRING, "It waits. Who has not asked is skipped."),
        (Kind.COMMENT, "Every server who asks waits\nand goes\non"),
        (Kind.DOCUMENT, "# Turns\n\nOf several that ask, one gets it."),
        (Kind.STRING, "this node's name; else the file's NodeID"),
        (Kind.STRING, "seconds (default 10)"),
        (Kind.TEST_NAME, "nobody leads"),
        (Kind.TEST_NAME, "a " * 13),
    ],
)
def test_a_habit_is_found(kind: Kind, words: str) -> None:
    assert list(find(Text(kind, 1, words)))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.DOCSTRING, "Ports that tell one process apart from another."),
        (Kind.DOCUMENT, "Who decides? The operator who approved it, in spite of the rest."),
        (Kind.STRING, "seconds (default: 10)"),
        (Kind.TEST_NAME, "a newcomer joins"),
    ],
)
def test_plain_english_passes(kind: Kind, words: str) -> None:
    assert not list(find(Text(kind, 1, words)))


def test_every_kind_of_file_is_read() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in files()}
    assert {"sidecar/__main__.py", "README.md", "Makefile"} <= names
