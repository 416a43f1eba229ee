"""What follows from one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sidecar.domain.network.context import LeaderContext
from sidecar.domain.records.canonical import Change
from sidecar.domain.records.encoding import Record
from sidecar.domain.servers import NodeID, ServerUrl


@dataclass(frozen=True, slots=True)
class RequestResult:
    """The answer to one request, and what to write.

    ``context`` is the one for the next request. ``change`` is the cause to name in the next version, None
    where the list document stays as it is. ``writes`` are the records to put under their keys, None to delete
    one. ``final``: the request is closed; otherwise it stays open.
    """

    accepted: bool
    reason: str
    context: LeaderContext
    change: Change | None = None
    writes: Mapping[str, Record | None] = field(default_factory=dict)
    final: bool = True


def reject(
    context: LeaderContext, reason: str, writes: Mapping[str, Record | None] | None = None
) -> RequestResult:
    """Refuse the request; nothing changes but ``writes``."""
    return RequestResult(False, reason, context, writes=writes or {})


def keep_open(
    context: LeaderContext, reason: str, writes: Mapping[str, Record | None] | None = None
) -> RequestResult:
    """Leave the request open; ``reason`` is what it waits for."""
    return RequestResult(False, reason, context, writes=writes or {}, final=False)


def accept(
    context: LeaderContext, reason: str, writes: Mapping[str, Record | None] | None = None
) -> RequestResult:
    """Accept the request without a change of the list; ``context`` is the one after it."""
    return RequestResult(True, reason, context, writes=writes or {})


def node_label(node: NodeID | None, url: ServerUrl | None) -> str:
    """A node as people know it."""
    return f"{node} ({url})" if node and url else str(node or url)
