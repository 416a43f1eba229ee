"""The few pieces of Markdown that every page is made of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

GENERATED = "<!-- Generated from the code by `make reference`; changes here are lost. -->"


def page(title: str, *parts: str) -> str:
    """A page under its title, each part a paragraph of its own."""
    return "\n\n".join((f"# {title}", GENERATED, *(part.strip() for part in parts))) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what would break a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines)


def code(text: str) -> str:
    """``text`` between backticks; nothing for nothing."""
    return f"`{text}`" if text else ""


def docstring(thing: object) -> str:
    """What the docstring of ``thing`` says, as Markdown on one line for each paragraph."""
    text = inspect.getdoc(thing) or ""
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n\n".join(re.sub(r"``([^`]+)``", r"`\1`", part) for part in paragraphs)


def sentence(text: str) -> str:
    """``text`` with a full stop behind."""
    text = text.strip()
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
