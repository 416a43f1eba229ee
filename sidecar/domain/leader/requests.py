"""The answers to the open requests: one version for all that are handled together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from sidecar.domain.membership import admission, removal
from sidecar.domain.membership.join_batching import is_batching, is_newcomer_join
from sidecar.domain.network.context import Leader, LeaderContext
from sidecar.domain.network.publication import publish_next_version
from sidecar.domain.network.results import RequestResult
from sidecar.domain.network.snapshot import Network
from sidecar.domain.network.transaction import NO_TERM, TransactionBuilder
from sidecar.domain.records.canonical import Canonical, Change
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.records.requests import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.records.store import Revision
from sidecar.domain.rollout import operator_requests

MAX_CHANGES = 1000
"""Changes of one version, at most. Each is in the list and in its cause, and all of that is in the history
too: some 300 bytes, and etcd takes requests of up to 1.5 MB."""


def handle_requests(context: LeaderContext, transaction: TransactionBuilder) -> None:
    """Answer the open requests, oldest first, and publish what they change as one version."""
    changes: list[Change] = []
    for name, request in _due_requests(context):
        if name not in context.network.requests:
            continue  # an approval or a refusal of this batch has closed it
        if len(changes) == MAX_CHANGES or (request.kind is RequestKind.ROLLBACK and transaction):
            break  # a rollback needs a transaction of its own
        result, full = handle_request(context, request), transaction.full
        if full and not _fits_full_transaction(transaction, request, result):
            if request.kind is RequestKind.JOIN:
                continue  # a newcomer that has to wait holds up no other
            break
        context = result.context
        changes += [result.change] if result.change else []
        transaction.write({key: record for key, record in result.writes.items() if record or not full})
        if result.final and not full:
            version = context.canonical.version + bool(changes)
            _close(transaction, name, request, _outcome(result, version, context.now))
        if request.kind is RequestKind.ROLLBACK:
            break
    if changes:
        _publish(context, transaction, tuple(changes))


def handle_request(context: LeaderContext, request: Request) -> RequestResult:  # noqa: C901, PLR0911 - a case each
    """Answer one request."""
    match request.kind:
        case RequestKind.JOIN:
            return admission.join(context, request)
        case RequestKind.APPROVE:
            return admission.approve(context, request)
        case RequestKind.REFUSE:
            return admission.refuse(context, request)
        case RequestKind.REMOVE:
            return removal.remove(context, request)
        case RequestKind.READMIT:
            return removal.readmit(context, request)
        case RequestKind.ROLLBACK:
            return removal.roll_back(context, request)
        case RequestKind.PAUSE:
            return operator_requests.pause(context, request)
        case RequestKind.RESUME:
            return operator_requests.resume(context, request)
        case RequestKind.SKIP:
            return operator_requests.skip(context, request)
        case RequestKind.RETRY:
            return operator_requests.retry(context, request)
    assert_never(request.kind)


def preview_request(network: Network, canonical: Canonical, request: Request, now: float) -> RequestResult:
    """What a leader would answer to ``request`` now, as far as etcd shows; for commands that only look."""
    observer = Leader(NO_TERM, bootstrap_list=None, last_known_good=None)
    return handle_request(LeaderContext(network, canonical, canonical.servers, observer, now), request)


def open_requests(network: Network) -> list[tuple[str, Request]]:
    """The requests without an answer, in the order in which they were made."""
    entries = network.listing.entries

    def created_at(item: tuple[str, Request]) -> Revision:
        return entries[network.keys.request(item[0])].create_revision

    return sorted(
        ((name, each) for name, each in network.requests.items() if not each.outcome), key=created_at
    )


def joins_to_probe(network: Network) -> Iterator[Request]:
    """The newcomers whose URL the policy wants probed before they are admitted."""
    if network.policy.admission_probe is not AdmissionProbe.OFF:
        yield from (r for _, r in open_requests(network) if r.kind is RequestKind.JOIN and r.url)


def _due_requests(context: LeaderContext) -> Iterator[tuple[str, Request]]:
    """The open requests, without the newcomers that are still being batched."""
    batching = is_batching(context)
    for name, request in open_requests(context.network):
        if not (batching and is_newcomer_join(request, context.canonical.servers)):
            yield name, request


def _fits_full_transaction(transaction: TransactionBuilder, request: Request, result: RequestResult) -> bool:
    """Whether a newcomer gets in by the list alone, and by records that are being written anyway.

    The next transaction deletes its request, as that of a listed server. So a large batch is one version.
    """
    admitted = request.kind is RequestKind.JOIN and result.change is not None
    return admitted and all(key in transaction for key, record in result.writes.items() if record)


def _outcome(result: RequestResult, version: int, now: float) -> Outcome:
    kind = OutcomeKind.DONE if result.accepted else OutcomeKind.REFUSED
    return Outcome(kind, result.reason, version, now)


def _close(transaction: TransactionBuilder, name: str, request: Request, outcome: Outcome) -> None:
    """Delete a newcomer's request; write the outcome into an operator's."""
    key = transaction.keys.request(name)
    if request.kind is RequestKind.JOIN:
        transaction.delete(key)
    else:
        transaction.put(key, replace(request, outcome=outcome))
    transaction.reasons.append(f"{request.kind.value} {request.subject}".rstrip() + f": {outcome.reason}")


def _publish(context: LeaderContext, transaction: TransactionBuilder, changes: tuple[Change, ...]) -> None:
    """Make the next version. Newcomers never bring a quarantined list back; operators may."""
    for quarantine in context.network.rollout.quarantines:
        if quarantine.servers == context.servers:
            transaction.delete(context.network.keys.quarantine(quarantine.version))
    publish_next_version(context, transaction, changes)
