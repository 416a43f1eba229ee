"""What the leader answers to one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical, Change
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.servers import NodeID, ServerList, ServerUrl

ProbeResults = Mapping[tuple[str, AdmissionProbe], str]


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What is judged from: the network and its list, both after the requests judged before this one.

    ``canonical`` is the document that stands; ``now`` is in seconds since the epoch, ``at`` the same as RFC
    3339. ``probe_results`` holds, by the attempt of a join and the way in which its URL was probed, what
    speaks against letting it in; ``""`` where that answered as it should.
    """

    network: Network
    canonical: Canonical
    servers: ServerList
    now: float
    at: str
    probe_results: ProbeResults = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestResult:
    """What follows from one request.

    ``network`` and ``servers`` are those after it; ``change`` is what to name as the cause, None where the
    list document stays as it is. ``writes`` are the records to put under their keys, None to delete one.
    ``final``: nothing is left to decide about it.
    """

    accepted: bool
    reason: str
    network: Network
    servers: ServerList
    change: Change | None = None
    writes: Mapping[str, Record | None] = field(default_factory=dict)
    final: bool = True


def reject(
    context: RequestContext, reason: str, writes: Mapping[str, Record | None] | None = None
) -> RequestResult:
    """No, and nothing changes but ``writes``."""
    return RequestResult(False, reason, context.network, context.servers, writes=writes or {})


def accept(
    context: RequestContext,
    reason: str,
    writes: Mapping[str, Record | None] | None = None,
    network: Network | None = None,
) -> RequestResult:
    """Yes, without a change of the list; ``network`` is what it is after that, where that matters."""
    return RequestResult(True, reason, network or context.network, context.servers, writes=writes or {})


def node_label(node: NodeID | None, url: ServerUrl | None) -> str:
    """A node as people know it."""
    return f"{node} ({url})" if node and url else str(node or url)
