"""Two lists of servers, side by side as a unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from sidecar.domain.printing import printable
from sidecar.domain.servers import NodeID, ServerList, ServerUrl

NodeLookup = Callable[[ServerUrl], NodeID | None]
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def diff_lines(
    before: ServerList, after: ServerList, titles: tuple[str, str], node_at: NodeLookup
) -> Iterator[str]:
    """Yield the lines of the diff, each server with its node; none if the lists are the same."""
    # Compare the normal forms, but show the newer spelling.
    urls = {url.normal: url for url in (*before, *after)}
    width = max((len(url.text) for url in urls.values()), default=0)
    old, new = ([url.normal for url in servers] for servers in (before, after))
    for line in difflib.unified_diff(old, new, *titles, lineterm=""):
        url = urls.get(line[1:])
        yield f"{line[0]}{url.text:<{width}}  {node_at(url) or ''}".rstrip() if url else line


def added_and_removed(before: ServerList, after: ServerList, node_at: NodeLookup) -> dict[str, object]:
    """What is in only one list, as JSON: ``added`` and ``removed``."""
    return {
        "added": [_to_json(url, node_at) for url in after.without(before)],
        "removed": [_to_json(url, node_at) for url in before.without(after)],
    }


def print_diff(out: TextIO, lines: Sequence[str]) -> None:
    """Print a diff, in colours on a terminal."""
    if not out.isatty():
        out.writelines(f"{printable(line)}\n" for line in lines)
        return
    from rich.console import Console  # noqa: PLC0415 - only terminals need it
    from rich.text import Text  # noqa: PLC0415 - as above

    console = Console(file=out)
    for line in lines:
        style = "bold" if line.startswith(("+++", "---")) else _STYLES.get(line[:1], "")
        console.print(Text(printable(line), style=style), soft_wrap=True)


def _to_json(url: ServerUrl, node_at: NodeLookup) -> dict[str, object]:
    return {"url": url.text, "node_id": node_at(url)}
