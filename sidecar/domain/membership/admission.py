"""Who may join: what a newcomer must show, and what the policy adds to it."""

from __future__ import annotations

from dataclasses import replace

from sidecar.domain.membership.join_batching import is_newcomers
from sidecar.domain.membership.removal import removal_reason
from sidecar.domain.network.results import Answer, Case, done, refused
from sidecar.domain.network.snapshot import Network
from sidecar.domain.records.canonical import Change, ChangeKind
from sidecar.domain.records.encoding import Record
from sidecar.domain.records.membership import Request, Verdict, VerdictKind
from sidecar.domain.records.policy import Admission, AdmissionProbe
from sidecar.domain.records.tokens import proven
from sidecar.domain.servers import NodeID, ServerUrl, is_node_id, parse_node_id

_UNKNOWN = "its URL has not been probed yet"
PENDING = "waits for an operator: `sidecar approve {node}` lets it in, `sidecar refuse {node}` does not"


def join(case: Case, request: Request) -> Answer:
    """Answer a newcomer."""
    try:
        node = parse_node_id(request.subject)
    except ValueError as exc:  # nobody could be told, and no list could hold it
        return refused(case, str(exc))
    tombstone = case.network.tombstone_of(node, request.url)
    if tombstone:
        return _no(case, request, node, VerdictKind.REMOVED, removal_reason(tombstone))
    if request.url is not None and request.url in case.servers:
        return done(case, f"{request.url} is in the list already", {case.network.keys.verdict(node): None})
    objection = (
        _operators_word(case, request, node)
        or _objection(case, request, node)
        or _policy_objection(case, request)
    )
    if not objection and case.network.policy.admission_probe is not AdmissionProbe.OFF:
        objection = case.probed.get((request.attempt, case.network.policy.admission_probe), _UNKNOWN)
    if objection is _UNKNOWN:
        return replace(refused(case, "its URL is being probed"), settled=False)
    if objection:
        return _no(case, request, node, VerdictKind.REFUSED, objection)
    is_manual = case.network.policy.admission is Admission.MANUAL
    return _pending(case, request, node) if is_manual else _admitted(case, request, node)


def approve(case: Case, request: Request) -> Answer:
    """Let in the newcomer whom an operator approves."""
    found = pending_named(case, request.subject)
    if found is None:
        return _nobody(case, request)
    name, wish = found
    node = parse_node_id(wish.subject)
    tombstone = case.network.tombstone_of(node, wish.url)
    objection = removal_reason(tombstone) if tombstone else _objection(case, wish, node)
    if objection:
        return refused(case, objection)
    answer = _admitted(case, wish, node)
    change = answer.change and replace(answer.change, by=request.by, reason=request.reason)
    writes = {**answer.writes, case.network.keys.request(name): None}
    return replace(answer, network=_without(answer, name), change=change, writes=writes)


def refuse(case: Case, request: Request) -> Answer:
    """Turn away the newcomer whom an operator does not want."""
    found = pending_named(case, request.subject)
    if found is None:
        return _nobody(case, request)
    name, wish = found
    node = parse_node_id(wish.subject)
    why = f": {request.reason}" if request.reason else ""
    reason = f"{request.by} refused it{why}"
    verdict = Verdict(VerdictKind.REFUSED, reason, case.at, wish.attempt, by=request.by)
    keys = case.network.keys
    answer = done(case, f"refused {node}", {keys.verdict(node): verdict, keys.request(name): None})
    return replace(answer, network=_without(answer, name))


def _nobody(case: Case, request: Request) -> Answer:
    return refused(case, f"nobody called {request.subject} asks to join; see `sidecar pending`")


def pending_named(case: Case, subject: str) -> tuple[str, Request] | None:
    """The open wish to join of the NodeID ``subject``, and its request's name."""
    return next(
        (
            (name, request)
            for name, request in case.network.requests.items()
            if request.subject == subject and is_node_id(subject) and is_newcomers(request, case.servers)
        ),
        None,
    )


def _objection(case: Case, request: Request, node: NodeID) -> str | None:
    """Say why ``node`` may not join whatever the policy says, None where it may."""
    network, url, named = case.network, request.url, request.servers
    if url is None:
        return "it names no URL of its own"
    if url not in named:
        return f"its file does not name its own URL, {url}"
    if not any(each in case.servers for each in named):
        return (
            f"a stranger: its file names no server of this network; add one of {case.servers} "
            "to its FederatedServers"
        )
    taken = _taken(case, node, url)
    if taken:
        return taken
    for each in network.quarantined:
        # The longer comparison only where it can hold: the leader judges hundreds that wait, again and again.
        if url in each.servers and each.servers == case.servers.appended([url]):
            return f"version {each.version}, the same list, is quarantined: {each.reason}"
    return None


def _taken(case: Case, node: NodeID, url: ServerUrl) -> str | None:
    """Say whose ``node`` is, where it is another's: a server of the list keeps it also while it is away."""
    known, alive = case.network.members.get(node), case.network.reports.get(node)
    is_listed = known is not None and known.url is not None and known.url in case.servers
    holder = known if is_listed else alive  # who is alive may be the asker itself
    if holder is None or holder.url == url:
        return None
    whose = f"the server at {holder.url}" if holder.url else "a database node"
    return f"the NodeID {node} is taken by {whose}; give it another NodeID"


def _operators_word(case: Case, request: Request, node: NodeID) -> str | None:
    """Why an operator refused this attempt to join, if one did: it asks again all the same."""
    told = case.network.verdicts.get(node)
    return told.reason if told and told.by and told.attempt == request.attempt else None


def _policy_objection(case: Case, request: Request) -> str | None:
    match case.network.policy.admission:
        case Admission.CLOSED:
            return "the network admits nobody now: its policy is closed, or cannot be read"
        case Admission.TOKEN:
            return _token_objection(case, request)
        case _:
            return None


def _token_objection(case: Case, request: Request) -> str | None:
    if not request.token:
        return (
            "the network lets nobody in without a join token: `sidecar token create` makes one, "
            "and --join-token-file names its file"
        )
    record = case.network.tokens.get(request.token)
    if record is None:
        return f"there is no join token {request.token}, or not any more; `sidecar token create` makes one"
    spent = record.spent(case.now)
    if spent:
        return f"its join token {request.token} {spent}; `sidecar token create` makes another"
    if not proven(request, case.network.keys.network, record):
        return f"its proof was not made with the join token {request.token}"
    return None


def _admitted(case: Case, request: Request, node: NodeID) -> Answer:
    """Let it in; a token that it came with is used up a little."""
    network, keys = case.network, case.network.keys
    writes: dict[str, Record | None] = {keys.verdict(node): None}
    record = network.tokens.get(request.token)
    if network.policy.admission is Admission.TOKEN and record and record.uses is not None:
        used = replace(record, uses=record.uses - 1)
        network = replace(network, tokens={**network.tokens, request.token: used})
        writes[keys.token(request.token)] = used
    change = Change(ChangeKind.JOIN, node, request.url)
    servers = case.servers.appended([request.url] if request.url else [])
    return Answer(True, f"{request.url} is in", network, servers, change, writes)


def _pending(case: Case, request: Request, node: NodeID) -> Answer:
    """Its request stays, for an operator to see."""
    verdict = Verdict(VerdictKind.PENDING, PENDING.format(node=node), case.at, request.attempt)
    told = case.network.verdicts.get(node)
    is_told = told and told.kind is VerdictKind.PENDING and told.attempt == request.attempt
    # Of two wishes under one NodeID an approval means the first; told of both in turn, neither came to rest.
    first = pending_named(case, request.subject)
    is_second = first is not None and first[1] != request
    writes = {} if is_told or is_second else {case.network.keys.verdict(node): verdict}
    return replace(refused(case, "waits for an operator", writes), settled=False)


def _no(case: Case, request: Request, node: NodeID, kind: VerdictKind, reason: str) -> Answer:
    verdict, told = Verdict(kind, reason, case.at, request.attempt), case.network.verdicts.get(node)
    is_told = told and (told.kind, told.reason, told.attempt) == (kind, reason, request.attempt)
    return refused(case, reason, {} if is_told else {case.network.keys.verdict(node): verdict})


def _without(answer: Answer, name: str) -> Network:
    return replace(answer.network, requests={k: v for k, v in answer.network.requests.items() if k != name})
