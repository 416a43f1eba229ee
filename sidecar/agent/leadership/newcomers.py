"""What the leader observes of the newcomers that ask to join: when they came, and what their URLs answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from sidecar.agent.dependencies import Dependencies
from sidecar.domain.leader.requests import joins_to_probe
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.records.requests import Request, RequestKind


@dataclass(slots=True)
class Newcomers:
    """The newcomers of one term. ``on_probed`` is called after each probe."""

    dependencies: Dependencies
    on_probed: Callable[[], None]
    probe_results: dict[tuple[str, AdmissionProbe], str] = field(default_factory=dict)
    """The objections to the joins that are open now: `Leader.probe_results`."""
    attempts: frozenset[str] = frozenset()
    last_join_at: float = 0.0
    """When the latest attempt was first seen, in seconds since the epoch."""

    def track(self, network: Network) -> None:
        """Note when the latest newcomer of ``network`` came."""
        attempts = frozenset(r.attempt for r in network.requests.values() if r.kind is RequestKind.JOIN)
        now = self.dependencies.wall()
        if attempts - self.attempts or self.last_join_at > now:  # the clock may have been set back
            self.last_join_at = now
        self.attempts = attempts

    async def probe(self, network: Network) -> None:
        """Probe the URL of each newcomer once an attempt, where the policy asks for it."""
        kind = network.policy.admission_probe
        joins = {(each.attempt, kind): each for each in joins_to_probe(network)}
        self.probe_results = {key: found for key, found in self.probe_results.items() if key in joins}
        async with anyio.create_task_group() as tasks:
            for key in joins.keys() - self.probe_results.keys():
                tasks.start_soon(self._probe_one, joins[key], kind)

    async def _probe_one(self, request: Request, kind: AdmissionProbe) -> None:
        if request.url:
            found = await self.dependencies.probe_newcomer(request.url, request.subject, kind)
            self.probe_results[request.attempt, kind] = found
            self.on_probed()
