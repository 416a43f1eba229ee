"""Gathering newcomers that come close upon each other: a storm of joins makes a handful of versions."""

from __future__ import annotations

from sidecar.domain.network.context import Desk, epoch
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical, ChangeKind
from sidecar.domain.records.membership import Request, RequestKind
from sidecar.domain.records.policy import Admission
from sidecar.domain.servers import ServerList

QUIET = 0.5
"""Seconds without another newcomer after which those who came close upon each other are let in, together."""

FOR_EACH = 5.0
"""Seconds from a version until the next, for each newcomer of it: those who come one by one, as machines get
ready, get in in groups that grow."""

GATHERED = 10.0
"""Seconds after a version that newcomers are gathered for the next one, at most."""


def is_newcomers(request: Request, servers: ServerList) -> bool:
    """Whether it is the request of a server that is not in the list yet."""
    return request.kind is RequestKind.JOIN and request.url not in servers


def gathers(desk: Desk) -> bool:
    """Whether newcomers are being gathered now."""
    return still_gathering(desk.network, desk.canonical, desk.arrived, desk.now) is not None


def still_gathering(network: Network, canonical: Canonical, arrived: float, now: float) -> float | None:
    """Until when newcomers wait for those who come right after them; None where nobody waits so.

    Who comes alone is let in at once. ``arrived`` is when the leader saw the latest newcomer; all are in
    seconds since the epoch. (When they asked, their own clocks say, and how long it was on its way, nobody.)
    """
    by_itself = network.policy.admission in (Admission.OPEN, Admission.TOKEN)
    if not by_itself or not any(is_newcomers(each, canonical.servers) for each in network.requests.values()):
        return None
    published = epoch(canonical.at)
    if published > now:
        return None  # by a clock that was ahead, which says nothing of how long ago that was
    joined = sum(change.kind is ChangeKind.JOIN for change in canonical.cause)
    until = min(max(arrived + QUIET, published + FOR_EACH * joined), published + GATHERED)
    return until if now < until else None
