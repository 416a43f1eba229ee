"""Answering what is asked of the leader, as one version for all that is asked at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sidecar.domain.membership import admission, removal
from sidecar.domain.membership.join_batching import is_batching, is_newcomer_join
from sidecar.domain.network.context import LeaderContext
from sidecar.domain.network.results import RequestContext, RequestResult
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Change
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.records.store import Revision
from sidecar.domain.rollout import operator_requests

MAX_CHANGES = 1000
"""Changes of one version, at most. Each stands in its list and in its cause, and all of that in the history
as well: some 300 bytes, and etcd takes requests of up to 1.5 MB."""


def handle_requests(context: LeaderContext) -> None:
    """Judge the open requests, oldest first."""
    canonical = context.canonical
    batch = _RequestBatch(
        context,
        RequestContext(
            context.network, canonical, canonical.servers, context.now, context.at, context.probe_results
        ),
    )
    for name, request in _due(context):
        if not batch.handle(name, request):
            break
    batch.publish()


@dataclass(slots=True)
class _RequestBatch:
    """The requests that are answered in one transaction, and what came of those before."""

    context: LeaderContext
    request_context: RequestContext
    changes: list[Change] = field(default_factory=list)

    def handle(self, name: str, request: Request) -> bool:
        """Answer a request; False where those after it have to wait for the next transaction."""
        if name not in self.request_context.network.requests:
            return True  # an operator decided about it, just now
        if len(self.changes) == MAX_CHANGES or (
            request.kind is RequestKind.ROLLBACK and self.context.builder
        ):
            return False  # a rollback needs the transaction for itself
        result = handle_request(self.request_context, request)
        if self.context.full and not self._fits_full_transaction(request, result):
            return request.kind is RequestKind.JOIN  # a newcomer holds up nobody who needs none
        self._apply(name, request, result)
        return request.kind is not RequestKind.ROLLBACK

    def _fits_full_transaction(self, request: Request, result: RequestResult) -> bool:
        """Whether a newcomer gets in by the list alone, and by records that are being written anyway.

        Its request is put away right after, as of one who is in the list already. So a storm is one version.
        """
        admitted = request.kind is RequestKind.JOIN and result.change is not None
        return admitted and all(key in self.context.builder for key, new in result.writes.items() if new)

    def _apply(self, name: str, request: Request, result: RequestResult) -> None:
        full = self.context.full
        self.request_context = replace(self.request_context, network=result.network, servers=result.servers)
        self.changes += [result.change] if result.change else []
        self.context.write({key: record for key, record in result.writes.items() if record or not full})
        if not full:
            version = self.context.canonical.version + bool(self.changes)
            _close(self.context, name, request, result, version)

    def publish(self) -> None:
        """Make the next version of what was changed."""
        if not self.changes:
            return
        # Newcomers never bring a quarantined list back; where operators do, it is their word.
        for quarantine in self.request_context.network.quarantines:
            if quarantine.servers == self.request_context.servers:
                self.context.builder.delete(self.context.network.keys.quarantine(quarantine.version))
        self.context.publish(
            self.request_context.servers, tuple(self.changes), self.request_context.network.tombstones
        )


def _due(context: LeaderContext) -> Iterator[tuple[str, Request]]:
    """The open requests that are not still gathered."""
    batching = is_batching(context)
    for name, request in open_requests(context.network):
        if not (batching and is_newcomer_join(request, context.canonical.servers)):
            yield name, request


def handle_request(context: RequestContext, request: Request) -> RequestResult:
    """Answer one request."""
    return _HANDLERS[request.kind](context, request)


def open_requests(network: Network) -> list[tuple[str, Request]]:
    """The requests without an answer, in the order in which they were made."""
    entries = network.listing.entries

    def created_at(item: tuple[str, Request]) -> Revision:
        return entries[network.keys.request(item[0])].create_revision

    return sorted(
        ((name, each) for name, each in network.requests.items() if not each.outcome), key=created_at
    )


def joins_to_probe(network: Network) -> Iterator[Request]:
    """The newcomers whose URL the policy wants probed before they are let in."""
    if network.policy.admission_probe is not AdmissionProbe.OFF:
        yield from (r for _, r in open_requests(network) if r.kind is RequestKind.JOIN and r.url)


def _close(context: LeaderContext, name: str, request: Request, result: RequestResult, version: int) -> None:
    """Put the request away: a newcomer's is deleted, an operator's gets its outcome written into it."""
    if not result.final:
        return
    key = context.network.keys.request(name)
    if request.kind is RequestKind.JOIN:
        context.builder.delete(key)
    else:
        kind = OutcomeKind.DONE if result.accepted else OutcomeKind.REFUSED
        outcome = Outcome(kind, result.reason, version, context.now)
        context.builder.put(key, replace(request, outcome=outcome))
    context.builder.reasons.append(f"{request.kind.value} {request.subject}".rstrip() + f": {result.reason}")


_HANDLERS: dict[RequestKind, Callable[[RequestContext, Request], RequestResult]] = {
    RequestKind.JOIN: admission.join,
    RequestKind.APPROVE: admission.approve,
    RequestKind.REFUSE: admission.refuse,
    RequestKind.REMOVE: removal.remove,
    RequestKind.READMIT: removal.readmit,
    RequestKind.ROLLBACK: removal.roll_back,
    RequestKind.PAUSE: operator_requests.pause,
    RequestKind.RESUME: operator_requests.resume,
    RequestKind.SKIP: operator_requests.skip,
    RequestKind.RETRY: operator_requests.retry,
}
