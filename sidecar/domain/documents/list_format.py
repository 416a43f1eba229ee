"""Formats a list of servers in the style of the JSON text around it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from sidecar.domain.documents.json_scanner import Span, scan

if TYPE_CHECKING:
    from sidecar.domain.servers import ServerList

_INDENT = re.compile(r"[ \t]*")
_MINIFIED = re.compile(r'"[:,]\S')


def array_text(text: str, array: Span, servers: ServerList) -> str:
    """The JSON array of ``servers``, in the style of the value at ``array`` in ``text``."""
    old = text[array.start : array.end]
    before = scan(old)
    if len(servers) == 0:
        return "[]"
    if not isinstance(before.value, list) or not before.value:
        return _new_array(text, array.start, [_literal(url) for url in servers.texts()])
    spans = [before.spans[f"/{index}"] for index in range(len(before.value))]
    # A URL that stays keeps its spelling, with its escapes (some programs write http:\/\/).
    spelled = {
        value: old[span.start : span.end]
        for value, span in zip(before.value, spans, strict=True)
        if isinstance(value, str)
    }
    literals = [spelled.get(url, _literal(url)) for url in servers.texts()]
    lead, tail = old[1 : spans[0].start], old[spans[-1].end : -1]
    if len(spans) > 1:
        separator = old[spans[0].end : spans[1].start]
    else:
        separator = f",{lead}" if "\n" in lead else comma(text)
    return f"[{lead}{separator.join(literals)}{tail}]"


def newline(text: str) -> str:
    """The line end that ``text`` uses."""
    return "\r\n" if "\r\n" in text else "\n"


def comma(text: str) -> str:
    """The separator of two values on one line of ``text``."""
    return "," if _MINIFIED.search(text) else ", "


def _new_array(text: str, at: int, literals: list[str]) -> str:
    """An array without a style to follow: one URL per line if the key before ``at`` is on its own line."""
    line_start = text.rfind("\n", 0, at) + 1
    match = _INDENT.match(text, line_start)
    indent = match.group() if match else ""
    own_line = line_start > 0 and text.startswith('"', line_start + len(indent))
    if not own_line:
        return f"[{comma(text).join(literals)}]"
    end = newline(text)
    inner = f"{end}{indent}{indent or '  '}"
    return f"[{inner}{f',{inner}'.join(literals)}{end}{indent}]"


def _literal(url: str) -> str:
    return json.dumps(url, ensure_ascii=False)
