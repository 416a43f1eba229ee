"""Settings that name files: secrets in them, and whether they can be read."""

from __future__ import annotations

from pathlib import Path

from sidecar.config.reading import Reading
from sidecar.domain.printing import why_unreadable
from sidecar.domain.records.tokens import JoinToken
from sidecar.secret_files import read_secret


def load_secret(reading: Reading, key: str, what: str) -> str | None:
    """Return ``what`` is in the file that ``key`` names; trouble joins ``reading.problems``."""
    try:
        return read_secret(reading.values[key], what)
    except ValueError as exc:
        reading.problems.append(f"{reading.source(key)}: {exc}")
        return None


def load_join_token(reading: Reading) -> JoinToken | None:
    """Return the token to join with, if a file of one is named."""
    path: Path | None = reading.values["join_token_file"]
    text = load_secret(reading, "join_token_file", "the join token") if path else None
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


def find_read_problem(path: Path) -> str:
    """Say why ``path`` cannot be read; ``""`` if it can."""
    try:
        with path.open("rb"):
            return ""
    except OSError as exc:
        return f"{path} {why_unreadable(exc)}"
