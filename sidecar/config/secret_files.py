"""Secrets that stand in files of their own, on the first line."""

from __future__ import annotations

from pathlib import Path

from sidecar.config.reading import Reading
from sidecar.domain.records.tokens import JoinToken


def read_secret(reading: Reading, key: str, what: str) -> str | None:
    """Return ``what`` is on the first line of the file that ``key`` names; trouble joins the problems."""
    path: Path = reading.values[key]
    problem = why_unreadable(path)
    if problem:
        reading.problems.append(f"{reading.source(key)}: {problem}")
        return None
    try:
        # Editors and `echo` end a file with a newline, which belongs to no secret.
        secret = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        reading.problems.append(f"{reading.source(key)}: {path} is not UTF-8 text")
        return None
    if not secret:
        reading.problems.append(f"{reading.source(key)}: {path} is empty; its first line must be {what}")
    return secret or None


def load_join_token(reading: Reading) -> JoinToken | None:
    """Return the token to join with, if a file of one is named."""
    path: Path | None = reading.values["join_token_file"]
    text = read_secret(reading, "join_token_file", "the join token") if path else None
    if text is None:
        return None
    try:
        return JoinToken.parse(text.strip())
    except ValueError as exc:
        reading.problems.append(
            f"{reading.source('join_token_file')}: the first line of {path} {exc}; "
            "`sidecar token create` makes one"
        )
        return None


def why_unreadable(path: Path) -> str:
    """Say why ``path`` cannot be read; nothing where it can."""
    try:
        with path.open("rb"):
            return ""
    except OSError as exc:
        return f"{path} cannot be read: {exc.strerror}"
