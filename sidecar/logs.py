"""Logging: one line an event, for a person or for a collector, on stderr.

`event` is how everything here logs: a short message, and what it is about as key-values.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO

_FIELDS = "sidecar_fields"
_RESERVED = {"ts", "level", "event", "logger", "traceback"}
_SECRET_NAME = re.compile(r"password|passwd|secret|token|authorization|credential", re.IGNORECASE)
_SECRET_IN_URL = re.compile(r"(://)[^/@\s'\"]+@")
_REDACTED = "***"
# What would let a value forge a line of the log, or play with the terminal it is read on.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BARE_VALUE = re.compile(r"[^\s\"'=\\]+")
_COLOURS = {"DEBUG": "2", "INFO": "32", "WARNING": "33", "ERROR": "31", "CRITICAL": "31;1"}


def event(logger: logging.Logger, level: int, message: str, /, **fields: object) -> None:
    """Log ``message`` with ``fields``. A field whose name speaks of a secret is not shown."""
    if logger.isEnabledFor(level):
        logger.log(level, "%s", message, extra={_FIELDS: fields}, stacklevel=2)


def configure(
    log_format: str,
    level: str,
    *,
    stream: IO[str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Send all logs to ``stream`` (stderr), as ``console`` or ``json``.

    ``level`` is for the sidecar's own; of libraries, warnings and errors are shown.
    Calling it again replaces what was set up before.
    """
    out = stream or sys.stderr
    colour = out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    handler = _Handler(out)
    handler.setFormatter(_Json() if log_format == "json" else _Console(colour=colour))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("sidecar").setLevel(level.upper())


class _Handler(logging.StreamHandler[IO[str]]):
    """A handler that loses lines rather than the sidecar when no process reads them any more."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        exc = sys.exc_info()[1]
        if not isinstance(exc, OSError | ValueError):
            super().handleError(record)
        elif isinstance(exc, BrokenPipeError):
            self._redirect_to_devnull()

    def _redirect_to_devnull(self) -> None:
        # What could not be written stays in the stream's buffer, and the interpreter would fail on
        # it again when it exits (status 120).
        try:
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, self.stream.fileno())
            os.close(devnull)
        except (OSError, ValueError):  # not a real file
            pass


class _Console(logging.Formatter):
    """``2026-05-04 10:11:12.131 INFO    restarted  version=5 why="a server joined"``."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")
        level = f"{record.levelname:<7}"
        if self._colour:
            level = f"\x1b[{_COLOURS.get(record.levelname, '0')}m{level}\x1b[0m"
        pairs = "".join(f" {key}={_format_value(value)}" for key, value in _fields(record).items())
        lines = [_escape_controls(line) for line in _message(record).split("\n")]
        lines += [_escape_controls(line) for line in _traceback(self, record).splitlines()]
        return f"{at[:-3]} {level} {lines[0]}{pairs and ' ' + pairs}" + "".join(
            f"\n    {line}" for line in lines[1:]
        )


class _Json(logging.Formatter):
    """One JSON object a line: ``ts``, ``level``, ``event``, the fields, ``logger``."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        document: dict[str, object] = {
            "ts": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": _message(record),
        }
        for key, value in _fields(record).items():
            document[f"{key}_" if key in _RESERVED else key] = value
        document["logger"] = record.name
        error = _traceback(self, record)
        if error:
            document["traceback"] = error
        # ASCII: whatever reads the pipe, and whatever U+2028 is to it, a line stays a line.
        return json.dumps(document, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: Mapping[str, object] = getattr(record, _FIELDS, {})
    return {key: _redact(key, value) for key, value in fields.items()}


def _redact(key: str, value: object) -> object:
    """Return ``value`` without secrets, as something JSON knows."""
    if _SECRET_NAME.search(key):
        return _REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(inner): _redact(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact(key, item) for item in value]
    return _redact_urls(str(value))


def _message(record: logging.LogRecord) -> str:
    return _redact_urls(record.getMessage())


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    return _redact_urls(formatter.formatException(record.exc_info))


def _redact_urls(text: str) -> str:
    return _SECRET_IN_URL.sub(rf"\1{_REDACTED}@", text)


def _format_value(value: object) -> str:
    """One value as a word: bare where that is clear, as JSON where it is not."""
    if isinstance(value, str):
        bare = _BARE_VALUE.fullmatch(value) and not _CONTROL.search(value)
        return value if bare else _escape_controls(json.dumps(value, ensure_ascii=False))
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return _format_value(",".join(value))
    return _escape_controls(json.dumps(value, ensure_ascii=False, default=str))


def _escape_controls(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)
