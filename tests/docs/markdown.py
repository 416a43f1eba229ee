"""What a Markdown document shows: its fenced blocks, the commands in them, and the code in its sentences."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PROJECT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w+)?(?: title=\"([^\"]+)\")?\s*$")
_INLINE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the file that it shows (``title``), where it begins, its text."""

    language: str
    title: str
    line: int
    text: str

    def commands(self) -> Iterator[Command]:
        """The commands behind the prompts ``$`` and ``#`` (root's), each with the output that is shown."""
        lines = self.text.splitlines()
        prompts = [at for at, line in enumerate(lines) if line.startswith(("$ ", "# "))]
        for at, end in pairwise([*prompts, len(lines)]):
            text = re.sub(r"\s{2,}# .*$", "", lines[at][2:])
            shown = tuple(line for line in lines[at + 1 : end] if line.strip())
            yield Command(text, lines[at].startswith("#"), self.line + at + 1, shown)


@dataclass(frozen=True, slots=True)
class Command:
    """One command that a reader is meant to type; ``root`` where the prompt is root's.

    ``output`` are the lines below it; ``…`` in one stands for what differs.
    """

    text: str
    root: bool
    line: int
    output: tuple[str, ...] = ()


def documents() -> list[Path]:
    """Every Markdown document of the project, relative to it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(Path(line) for line in listed.stdout.splitlines() if (PROJECT / line).exists())


def blocks(document: Path) -> list[Block]:
    """The fenced blocks of ``document``, in order."""
    found, inside = list[Block](), False
    language = title = ""
    begins, lines = 0, list[str]()
    for number, line in enumerate((PROJECT / document).read_text().splitlines(), start=1):
        fence = _FENCE.match(line)
        if inside and line.strip() == "```":
            found.append(Block(language, title, begins, "\n".join(lines)))
            inside = False
        elif inside:
            lines.append(line)
        elif fence:
            language, title = fence[1] or "", fence[2] or ""
            begins, lines, inside = number, [], True
    assert not inside, f"{document}:{begins}: the block has no end"
    return found


def prose(document: Path) -> str:
    """The text of ``document`` without its fenced blocks, which are left as empty lines."""
    kept, inside = list[str](), False
    for line in (PROJECT / document).read_text().splitlines():
        if line.startswith("```"):
            inside = not inside
            kept.append("")
        else:
            kept.append("" if inside else line)
    return "\n".join(kept)


def inline_code(document: Path) -> list[str]:
    """What stands between backticks in the sentences and tables of ``document``."""
    return _INLINE.findall(prose(document))


def console_commands(document: Path) -> list[Command]:
    """Every command in the console blocks of ``document``."""
    return [each for block in blocks(document) if block.language == "console" for each in block.commands()]
