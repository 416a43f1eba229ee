"""The difference between a file's text and the text that replaces it."""

from __future__ import annotations


def diff(rejected: str, replaced_by: str, *, name: str) -> str:
    """A unified diff from the rejected text of the file ``name`` to the one that replaced it."""
    from difflib import unified_diff  # noqa: PLC0415 - a file in sync never needs it

    lines = unified_diff(
        _lines(rejected),
        _lines(replaced_by),
        fromfile=f"{name} (rejected)",
        tofile=f"{name} (canonical)",
    )
    marked = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return "".join(marked)


def _lines(text: str) -> list[str]:
    # Not splitlines(): it also breaks at characters that are plain text within a JSON string.
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]
