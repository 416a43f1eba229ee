"""A network that is up to date, and variations of it, for the tests of rollout commands."""

from __future__ import annotations

from typing import Any

from sidecar.domain.records.encoding import Record
from sidecar.domain.records.report import Phase
from sidecar.domain.servers import NodeID
from tests.cli.network import KEYS, ONE, THREE, TWO, USUAL, canonical, member, report

URLS = {"fed-1": ONE, "fed-2": TWO, "fed-3": THREE, "db-1": None}
AT = "2026-05-04T10:00:00Z"


def reported(name: str, **changes: Any) -> dict[str, Record]:
    """The report of a node: healthy on version 5, except for ``changes``."""
    return {KEYS.report(NodeID(name)): report(name, URLS[name], **changes)}


def waiting(name: str, loaded: int = 5) -> dict[str, Record]:
    """The node waits for its restart."""
    changes: dict[str, Any] = {"phase": Phase.RESTART_PENDING, "reason": "waits for a grant"}
    return reported(name, loaded_version=loaded, **changes)


def in_step(version: int = 5) -> dict[str, Record]:
    """Three servers and a database node, healthy on ``version``; fed-2 is the leader."""
    found = USUAL | {KEYS.canonical: canonical(version)}
    found |= {KEYS.history(version): canonical(version), KEYS.member(NodeID("db-1")): member("db-1", None)}
    for name in URLS:
        found |= reported(name, loaded_version=version)
    return found


def rolling() -> dict[str, Record]:
    """Version 6 exists, and all nodes run on 5."""
    found = in_step() | {KEYS.canonical: canonical(6), KEYS.history(6): canonical(6)}
    for name in URLS:
        found |= waiting(name)
    return found


def without(records: dict[str, Record], *keys: str) -> dict[str, Record]:
    return {key: record for key, record in records.items() if key not in keys}
