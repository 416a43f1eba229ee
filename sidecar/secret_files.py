"""Secrets in files of their own: passwords and tokens, each on the first line."""

from __future__ import annotations

from pathlib import Path

from sidecar.domain.printing import why_unreadable


def read_secret(path: Path, what: str) -> str:
    """Return the first line of the file ``path``, which holds ``what``.

    Raises ValueError with what is wrong with the file; the message never repeats what is in it.
    """
    try:
        # Editors and `echo` end a file with a newline, which belongs to no secret.
        secret = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except OSError as exc:
        raise ValueError(f"{path} {why_unreadable(exc)}") from exc
    except UnicodeDecodeError:
        # Not chained: the error holds the bytes.
        raise ValueError(f"{path} is not UTF-8 text") from None
    if not secret.strip():
        raise ValueError(f"{path} is empty; its first line must be {what}")
    return secret
