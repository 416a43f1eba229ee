"""Formats values and their places for messages: one line each, and safe on a terminal."""

from __future__ import annotations

import json

MAX_PROBLEMS = 50  # a file of garbage must not fill the log
_MAX_LENGTH = 60


def pointer_to(parent: str, key: str | int) -> str:
    """The JSON Pointer (RFC 6901) of ``key`` in ``parent``."""
    return f"{parent}/{str(key).replace('~', '~0').replace('/', '~1')}"


def printable(text: str) -> str:
    """``text`` with all characters escaped that could mislead a terminal or a log."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def format_value(value: object) -> str:
    """``value`` as JSON, shortened to fit into a message."""
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 3]}..."


def os_reason(exc: OSError) -> str:
    """Why the operating system refused something, in its words."""
    return exc.strerror or str(exc)


def why_unreadable(exc: OSError) -> str:
    """What follows the name of a file that the operating system would not let be read."""
    return f"cannot be read: {os_reason(exc)}"
