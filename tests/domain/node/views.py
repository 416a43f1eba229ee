"""Views of one node, to change."""

from __future__ import annotations

from typing import Any

from sidecar.domain.node.process import Running
from sidecar.domain.node.view import View
from sidecar.domain.records.canonical import VersionedServers
from tests.builders import THREE, canonical, changed, document, node_view, server


def booting(**changes: Any) -> View:
    """fed-1 at its start, its file in step with version 1."""
    view = node_view(
        server(1),
        synced=True,
        lease_alive=True,
        canonical=canonical(9000, 9001, 9002),
        document=document(9000, 9001, 9002),
    )
    return changed(view, **changes)


def in_step(**changes: Any) -> View:
    """fed-1, healthy on version 1 since 10.0, with a startup timeout of 60 s."""
    view = booting(
        state=Running(1, 10.0, THREE),
        healthy=True,
        last_healthy_start=10.0,
        loaded_version=1,
        last_known_good=VersionedServers(1, THREE),
    )
    return changed(view, **changes)


def coming_up(**changes: Any) -> View:
    """The same, but the process has not been healthy since it started."""
    return in_step(**{"healthy": False, "last_healthy_start": None, "reason": "it answers 503"} | changes)
