"""The batching of joins: a large batch of newcomers makes a handful of versions."""

from __future__ import annotations

from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Canonical, ChangeKind
from sidecar.domain.records.policy import Admission
from sidecar.domain.records.requests import Request, RequestKind
from sidecar.domain.servers import ServerList
from sidecar.domain.timestamps import parse_timestamp

BATCH_QUIET_PERIOD = 0.5
"""Seconds without another newcomer after which those that came close together are admitted."""

BATCH_DELAY_PER_JOIN = 5.0
"""Seconds from a version until the next, for each newcomer in it: newcomers that come one by one, as machines
get ready, are admitted in growing groups."""

MAX_BATCH_DELAY = 10.0
"""Seconds after a version that newcomers wait for the next one, at most."""


def is_newcomer_join(request: Request, servers: ServerList) -> bool:
    """Whether it is the request of a server that is not in the list yet."""
    return request.kind is RequestKind.JOIN and request.url not in servers


def is_batching(context: LeaderContext) -> bool:
    """Whether newcomers wait for others now."""
    return (
        batch_until(context.network, context.canonical, context.leader.last_join_at, context.now) is not None
    )


def batch_until(network: Network, canonical: Canonical, last_join_at: float, now: float) -> float | None:
    """Until when newcomers wait for others that come right after them; None if none has to wait.

    A newcomer that comes alone is admitted at once. ``last_join_at`` is when the leader first saw the latest
    newcomer, as the clocks of the newcomers cannot be compared. All times are in seconds since the epoch.
    """
    is_automatic = network.policy.admission in (Admission.OPEN, Admission.TOKEN)
    if not is_automatic or not any(
        is_newcomer_join(each, canonical.servers) for each in network.requests.values()
    ):
        return None
    published = parse_timestamp(canonical.at)
    if published > now:
        return None  # the clock was ahead, so the age of the version is unknown
    joined = sum(change.kind is ChangeKind.JOIN for change in canonical.cause)
    until = min(
        max(last_join_at + BATCH_QUIET_PERIOD, published + BATCH_DELAY_PER_JOIN * joined),
        published + MAX_BATCH_DELAY,
    )
    return until if now < until else None
