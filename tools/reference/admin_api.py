"""The admin API: its paths, and the keys of the status."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sidecar.admin import endpoints
from sidecar.domain.node.status import Status
from tools.reference import notes
from tools.reference.markdown import code, page, table
from tools.reference.samples import sample

INTRO = """
Each sidecar serves it on `--admin` (default: `127.0.0.1:9180`). It is read-only: `GET` and `HEAD`. On a
loopback address it answers 403 to a request whose `Host` is not this machine. `sidecar health` asks it.
"""

STATUS = """
The keys of `/api/v1/status`. A key without a value is `null`. Keys may be added; existing keys keep their
meaning.
"""

_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}


def admin_api() -> str:
    """The page."""
    paths = [(code(path), notes.ADMIN_PATHS[path]) for path in endpoints.ENDPOINTS]
    status = json.loads(json.dumps(endpoints.status_to_json(sample(Status))))
    keys = [(code(key), kind, notes.STATUS_KEYS[key]) for key, kind in _keys(status)]
    return page(
        "Admin API",
        INTRO,
        table(("path", "answer"), paths),
        "## The status",
        STATUS,
        table(("key", "type", "meaning"), keys),
    )


def _keys(document: dict[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key, _TYPES[type(value)]
