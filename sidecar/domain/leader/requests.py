"""Answering what is asked of the leader, as one version for all that is asked at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sidecar.domain.membership import admission, removal
from sidecar.domain.membership.join_batching import gathers, is_newcomers
from sidecar.domain.network.context import Desk
from sidecar.domain.network.results import Answer, Case
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Change
from sidecar.domain.records.membership import Outcome, OutcomeKind, Request, RequestKind
from sidecar.domain.records.policy import AdmissionProbe
from sidecar.domain.records.store import Revision
from sidecar.domain.rollout import operator_requests as steering

MOST_CHANGES = 1000
"""Changes of one version, at most. Each stands in its list and in its cause, and all of that in the history
as well: some 300 bytes, and etcd takes requests of up to 1.5 MB."""


def answer_requests(desk: Desk) -> None:
    """Judge the open requests, oldest first."""
    stands = desk.canonical
    sitting = _Sitting(desk, Case(desk.network, stands, stands.servers, desk.now, desk.at, desk.probed))
    for name, request in _due(desk):
        if not sitting.hears(name, request):
            break
    sitting.publish()


@dataclass(slots=True)
class _Sitting:
    """The requests that are answered in one transaction, and what came of those before."""

    desk: Desk
    case: Case
    changes: list[Change] = field(default_factory=list)

    def hears(self, name: str, request: Request) -> bool:
        """Answer a request; False where those after it have to wait for the next transaction."""
        if name not in self.case.network.requests:
            return True  # an operator decided about it, just now
        if len(self.changes) == MOST_CHANGES or (request.kind is RequestKind.ROLLBACK and self.desk.draft):
            return False  # a rollback needs the transaction for itself
        answer = judge(self.case, request)
        if self.desk.full and not self._needs_no_room(request, answer):
            return request.kind is RequestKind.JOIN  # a newcomer holds up nobody who needs none
        self._carry_out(name, request, answer)
        return request.kind is not RequestKind.ROLLBACK

    def _needs_no_room(self, request: Request, answer: Answer) -> bool:
        """Whether a newcomer gets in by the list alone, and by records that are being written anyway.

        Its request is put away right after, as of one who is in the list already. So a storm is one version.
        """
        gets_in = request.kind is RequestKind.JOIN and answer.change is not None
        return gets_in and all(key in self.desk.draft for key, new in answer.writes.items() if new)

    def _carry_out(self, name: str, request: Request, answer: Answer) -> None:
        full = self.desk.full
        self.case = replace(self.case, network=answer.network, servers=answer.servers)
        self.changes += [answer.change] if answer.change else []
        self.desk.write({key: record for key, record in answer.writes.items() if record or not full})
        if not full:
            version = self.desk.canonical.version + bool(self.changes)
            _settle(self.desk, name, request, answer, version)

    def publish(self) -> None:
        """Make the next version of what was changed."""
        if not self.changes:
            return
        # Newcomers never bring a quarantined list back; where operators do, it is their word.
        for quarantine in self.case.network.quarantined:
            if quarantine.servers == self.case.servers:
                self.desk.draft.delete(self.desk.network.keys.quarantine(quarantine.version))
        self.desk.publish(self.case.servers, tuple(self.changes), self.case.network.removed)


def _due(desk: Desk) -> Iterator[tuple[str, Request]]:
    """The open requests that are not still gathered."""
    gathering = gathers(desk)
    for name, request in open_requests(desk.network):
        if not (gathering and is_newcomers(request, desk.canonical.servers)):
            yield name, request


def judge(case: Case, request: Request) -> Answer:
    """Answer one request."""
    return _JUDGES[request.kind](case, request)


def open_requests(network: Network) -> list[tuple[str, Request]]:
    """The requests without an answer, in the order in which they were made."""
    entries = network.listing.entries

    def made(item: tuple[str, Request]) -> Revision:
        return entries[network.keys.request(item[0])].created

    return sorted(((name, each) for name, each in network.requests.items() if not each.outcome), key=made)


def to_probe(network: Network) -> Iterator[Request]:
    """The newcomers whose URL the policy wants probed before they are let in."""
    if network.policy.admission_probe is not AdmissionProbe.OFF:
        yield from (r for _, r in open_requests(network) if r.kind is RequestKind.JOIN and r.url)


def _settle(desk: Desk, name: str, request: Request, answer: Answer, version: int) -> None:
    """Put the request away: a newcomer's is deleted, an operator's gets its outcome written into it."""
    if not answer.settled:
        return
    key = desk.network.keys.request(name)
    if request.kind is RequestKind.JOIN:
        desk.draft.delete(key)
    else:
        kind = OutcomeKind.DONE if answer.accepted else OutcomeKind.REFUSED
        outcome = Outcome(kind, answer.reason, version, desk.now)
        desk.draft.put(key, replace(request, outcome=outcome))
    desk.draft.reasons.append(f"{request.kind.value} {request.subject}".rstrip() + f": {answer.reason}")


_JUDGES: dict[RequestKind, Callable[[Case, Request], Answer]] = {
    RequestKind.JOIN: admission.join,
    RequestKind.APPROVE: admission.approve,
    RequestKind.REFUSE: admission.refuse,
    RequestKind.REMOVE: removal.remove,
    RequestKind.READMIT: removal.readmit,
    RequestKind.ROLLBACK: removal.roll_back,
    RequestKind.PAUSE: steering.pause,
    RequestKind.RESUME: steering.resume,
    RequestKind.SKIP: steering.skip,
    RequestKind.RETRY: steering.retry,
}
