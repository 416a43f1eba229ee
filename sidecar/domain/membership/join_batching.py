"""Gathering newcomers that come close upon each other: a storm of joins makes a handful of versions."""

from __future__ import annotations

from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical, ChangeKind
from sidecar.domain.records.policy import Admission
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.servers import ServerList
from sidecar.domain.timestamps import parse_timestamp

BATCH_QUIET_PERIOD = 0.5
"""Seconds without another newcomer after which those who came close upon each other are let in, together."""

BATCH_DELAY_PER_JOIN = 5.0
"""Seconds from a version until the next, for each newcomer of it: those who come one by one, as machines get
ready, get in in groups that grow."""

MAX_BATCH_DELAY = 10.0
"""Seconds after a version that newcomers are gathered for the next one, at most."""


def is_newcomer_join(request: Request, servers: ServerList) -> bool:
    """Whether it is the request of a server that is not in the list yet."""
    return request.kind is RequestKind.JOIN and request.url not in servers


def is_batching(context: LeaderContext) -> bool:
    """Whether newcomers are being gathered now."""
    return (
        batch_until(context.network, context.canonical, context.leader.last_join_at, context.now) is not None
    )


def batch_until(network: Network, canonical: Canonical, last_join_at: float, now: float) -> float | None:
    """Until when newcomers wait for those who come right after them; None where nobody waits so.

    Who comes alone is let in at once. ``last_join_at`` is when the leader saw the latest newcomer; all are in
    seconds since the epoch. (When they asked, their own clocks say, and how long it was on its way, nobody.)
    """
    is_automatic = network.policy.admission in (Admission.OPEN, Admission.TOKEN)
    if not is_automatic or not any(
        is_newcomer_join(each, canonical.servers) for each in network.requests.values()
    ):
        return None
    published = parse_timestamp(canonical.at)
    if published > now:
        return None  # by a clock that was ahead, which says nothing of how long ago that was
    joined = sum(change.kind is ChangeKind.JOIN for change in canonical.cause)
    until = min(
        max(last_join_at + BATCH_QUIET_PERIOD, published + BATCH_DELAY_PER_JOIN * joined),
        published + MAX_BATCH_DELAY,
    )
    return until if now < until else None
