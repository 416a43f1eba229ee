"""The pieces of Markdown that the pages consist of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

GENERATED = "<!-- Generated from the code by `make reference`; changes here are lost. -->"


def page(title: str, *parts: str) -> str:
    """Return a page with a title; each part is a paragraph."""
    return "\n\n".join((f"# {title}", GENERATED, *(part.strip() for part in parts))) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; characters that would break a cell are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(each) for each in line) + " |" for line in lines)


def code(text: str) -> str:
    """Return ``text`` between backticks; empty if it is empty."""
    return f"`{text}`" if text else ""


def docstring(thing: object) -> str:
    """Return the docstring of ``thing`` as Markdown, one line for each paragraph."""
    text = inspect.getdoc(thing) or ""
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n\n".join(re.sub(r"``([^`]+)``", r"`\1`", part) for part in paragraphs)


def sentence(text: str) -> str:
    """Return ``text`` with a full stop at its end."""
    text = text.strip()
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
