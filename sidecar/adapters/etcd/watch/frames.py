"""From the bytes of a gateway stream to its JSON documents."""

from __future__ import annotations

import json
from typing import Any

# Fragments keep a document below 3 MiB of base64; this leaves room, and still bounds what is kept in memory.
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024


class BadFrame(Exception):
    """The stream is not one of JSON documents, a line each."""


class Frames:
    """Cuts a stream into its documents, wherever the chunks are cut.

    The gateway ends each document with a newline, and JSON has no raw newline inside a string, so cutting at
    newlines is exact. It is done on bytes: a chunk may end in the middle of a character.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """Return the documents that ``chunk`` completes. Raises `BadFrame`."""
        searched = len(self._buffer)
        self._buffer += chunk
        end = self._buffer.rfind(b"\n", searched)
        if end < 0:
            if len(self._buffer) > MAX_DOCUMENT_BYTES:
                raise BadFrame(f"a document is larger than {MAX_DOCUMENT_BYTES} bytes")
            return []
        whole = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return [_parse_document(line) for line in whole.split(b"\n") if line.strip()]

    def finish(self) -> list[dict[str, Any]]:
        """The document that the end of the stream completes, if any: a last error may lack its newline."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        if not rest.strip():
            return []
        try:
            return [_parse_document(rest)]
        except BadFrame:
            return []  # cut off in the middle; that the stream has ended is news enough


def _parse_document(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as exc:
        raise BadFrame(f"not JSON: {line[:100]!r}") from exc
    if not isinstance(document, dict):
        raise BadFrame(f"not a JSON object: {line[:100]!r}")
    return document
